"""Configurations that start."""

KEY = "kT7vPz0q3mYd9sXw2LrB8nHc5JgF1aEu"
PRODUCTION = {"SECRET_KEY": KEY, "GATEHOUSE_BASE_URL": "https://app.example.com"}
CORP = {
    "GATEHOUSE_OIDC_CORP_ISSUER": "https://login.corp.example",
    "GATEHOUSE_OIDC_CORP_CLIENT_ID": "gate",
    "GATEHOUSE_OIDC_CORP_CLIENT_SECRET": "hush",
}
DEVELOPMENT = {"GATEHOUSE_ENV": "development"}
