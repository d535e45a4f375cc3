"""`bridge keys`: API keys of other systems, and the witness's signing key."""

from typing import Annotated

import typer

from bridge.cli.output import Exit, Json, document, fail, out

app = typer.Typer(help="API keys and the witness's signing key (密钥).", no_args_is_help=True)


@app.command("api")
def api(
    name: Annotated[str, typer.Option(help="The caller's name: lower-case letters, digits, underscores.")],
    scope: Annotated[list[str], typer.Option(help="petitions:write, petitions:read, pii:read, operate; repeatable.")],
    system: Annotated[str | None, typer.Option(help="The known system it speaks for, if any (e.g. wechat).")] = None,
    as_json: Json = False,
) -> None:
    """Make a key for another system: shown once; its hash is added to the file of BRIDGE_API_KEYS."""
    from pydantic import ValidationError

    from bridge import app as root
    from bridge.apikeys import SCOPES, new_key

    if unknown := set(scope) - set(SCOPES):
        fail(Exit.WRONG_USAGE, f"--scope: unknown {', '.join(sorted(unknown))}; known: {', '.join(SCOPES)}")
    path = root.settings().api_keys
    if path is None:
        fail(Exit.WRONG_USAGE, "BRIDGE_API_KEYS: name a file first, e.g. BRIDGE_API_KEYS=data/keys/api.toml")
    try:
        key, entry = new_key(name, tuple(item for item in SCOPES if item in scope), system)
    except ValidationError as error:
        fail(Exit.WRONG_USAGE, f"--name: {error.errors()[0]['msg']}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(entry + "\n")
    if as_json:
        document({"name": name, "key": key, "scopes": scope, "file": str(path)})
        return
    out.print(f"added to {path}; restart the bridge to use it. The key, shown only now:", markup=False)
    out.print(key, markup=False)


@app.command("witness")
def witness(
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new key; the old public keys stay valid.")] = False,
    as_json: Json = False,
) -> None:
    """The public keys that checkpoints are signed with, the newest last; `--rotate` makes a new one."""
    from bridge import app as root
    from bridge.witness import keys

    settings = root.settings()
    keys.ensure(settings.keys_dir, settings.audit_origin)
    if rotate:
        keys.rotate(settings.keys_dir)
    public = [verifier.text() for verifier in keys.verifiers(settings.keys_dir / "witness.pub")]
    if as_json:
        document({"public_keys": public})
        return
    for line in public:
        out.print(line, markup=False)
