"""A password is not in a command line, which everybody on the machine can read."""

from pathlib import Path

from sqlalchemy import make_url

from flask_gatehouse.ops.backups.postgresql import _passfile


def test_the_password_stands_in_a_file_of_ones_own() -> None:
    with _passfile(make_url("postgresql+psycopg://gate:se%3Acr%5Cet@db.example.com/gate?sslmode=require")) as address:
        assert "cr" not in address
        assert "***" not in address
        path = Path(make_url(address).query["passfile"])  # type: ignore[arg-type]
        assert path.read_text() == "*:*:*:*:se\\:cr\\\\et\n"
        assert path.stat().st_mode & 0o777 == 0o600
        assert address.startswith("postgresql://gate@db.example.com/gate?")
    assert not path.exists()


def test_where_there_is_none_there_is_no_file() -> None:
    with _passfile(make_url("postgresql://gate@/gate?host=/run/pg")) as address:
        assert "passfile" not in address
