"""Write .env with random secrets for docker-compose.yml. Standard library only; never over an existing file."""

import os
import secrets
import string
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / ".env"
LETTERS = string.ascii_letters + string.digits


def letters(count: int) -> str:
    """Safe in a URL, in a shell and in a header."""
    return "".join(secrets.choice(LETTERS) for _ in range(count))


def aes_key() -> str:
    """The WeChat platform's form: 43 characters of Base64, of which the last carries four bits."""
    return letters(42) + secrets.choice("AEIMQUYcgkosw048")


def values() -> dict[str, str]:
    return {
        "POSTGRES_PASSWORD": letters(32),
        "RABBITMQ_PASSWORD": letters(32),
        "BRIDGE_HOTLINE12345__CLIENT_ID": f"bridge-{letters(8)}",
        "BRIDGE_HOTLINE12345__CLIENT_SECRET": letters(40),
        "BRIDGE_HOTLINE12345__INBOUND_KEY": letters(40),
        "BRIDGE_GOVERNANCE_CENTER__APP_ID": f"bridge-{letters(8)}",
        "BRIDGE_GOVERNANCE_CENTER__SECRET": letters(40),
        "BRIDGE_GOVERNANCE_CENTER__INBOUND_APP_ID": f"center-{letters(8)}",
        "BRIDGE_GOVERNANCE_CENTER__INBOUND_SECRET": letters(40),
        "BRIDGE_WECHAT__APP_ID": f"wx{secrets.token_hex(8)}",
        "BRIDGE_WECHAT__APP_SECRET": secrets.token_hex(16),
        "BRIDGE_WECHAT__TOKEN": letters(32),
        "BRIDGE_WECHAT__AES_KEY": aes_key(),
        "BRIDGE_WECHAT__INBOUND_KEY": letters(40),
    }


def main() -> int:
    lines = ["# Made by `make env`. Secrets: keep it off version control and backups that others read."]
    lines += [f"{name}={value}" for name, value in values().items()]
    try:
        # Born unreadable to others: no moment between creation and chmod.
        descriptor = os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{FILE.name} is there already and stays as it is; delete it to have new secrets made", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{FILE.name} written: next, docker compose up --build")
    return 0


if __name__ == "__main__":
    sys.exit(main())
