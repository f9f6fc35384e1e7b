"""One frozen ``Settings``: the only place that reads configuration and environment.

``Settings.load`` in ``model`` is where to start. It looks at the application's own configuration first, then at
the environment, then at ``.env``, reports every mistake at once, and no message holds a value.
"""

from .errors import ConfigurationError as ConfigurationError
from .model import (
    Environment as Environment,
    Settings as Settings,
    SignUp as SignUp,
    WebhookFormat as WebhookFormat,
)
from .providers import (
    GOOGLE_ISSUER as GOOGLE_ISSUER,
    ProviderKind as ProviderKind,
    ProviderSettings as ProviderSettings,
)
from .rates import Rate as Rate
from .values import is_loopback as is_loopback
