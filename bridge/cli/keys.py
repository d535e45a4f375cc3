"""`bridge keys`: API keys of other systems, the witness's signing key, and the vault's keys."""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bridge.cli.ledger import ledger
from bridge.cli.output import Exit, Json, document, err, fail, out

app = typer.Typer(help="API keys, the witness's signing key, the vault's keys (密钥).", no_args_is_help=True)


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
    begun = (settings.keys_dir / keys.PRIVATE).exists()
    if not (begun or rotate):
        _none_yet(settings.keys_dir / keys.PRIVATE)
    # The first key is as good as new.
    keys.ensure(settings.keys_dir, settings.audit_origin)
    if begun and rotate:
        keys.rotate(settings.keys_dir)
    public = [verifier.text() for verifier in keys.verifiers(settings.keys_dir / keys.PUBLIC)]
    if as_json:
        document({"public_keys": public})
        return
    for line in public:
        out.print(line, markup=False)


@app.command("vault")
def vault(
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new key; the old ones still open.")] = False,
    reseal: Annotated[bool, typer.Option("--reseal", help="Seal all that older keys sealed with the newest.")] = False,
    as_json: Json = False,
) -> None:
    """The keys that personal data is sealed with in the ledger (by id, never the secret), the newest last (密匣)."""
    from bridge import app as root
    from bridge.vault import FILE, VaultError, add_key, read_keys

    settings = root.settings()
    path = settings.keys_dir / FILE
    if not (rotate or path.exists()):
        _none_yet(path)
    try:
        if rotate:
            add_key(settings.keys_dir, settings.cipher)
        resealed = _reseal(settings, as_json=as_json) if reseal else None
        known = [{"id": key.id, "algorithm": key.algorithm} for key in read_keys(path)]
    except VaultError as error:
        fail(Exit.FALLS_SHORT, str(error))
    if as_json:
        document({"keys": known, "resealed": resealed})
        return
    for key in known:
        out.print(f"{key['id']}  {key['algorithm']}", markup=False)
    if resealed is not None:
        out.print(f"{resealed} values sealed anew (已用新密钥重新加密)")
    if rotate:
        out.print("restart every process of the bridge, then run `bridge keys vault --reseal`", style="dim")


def _none_yet(path: Path) -> NoReturn:
    """To show a key must not make one: elsewhere it would pass for the bridge's own."""
    fail(
        Exit.FALLS_SHORT,
        f"{path}: there is no key yet; the first start of the bridge makes one, and so does --rotate; see "
        "BRIDGE_KEYS_DIR (尚无密钥)",
    )


def _reseal(settings: Any, *, as_json: bool) -> int:
    from rich.progress import Progress

    from bridge import app as root
    from bridge.ledger.sealed import reseal

    with ledger() as store, Progress(console=err, transient=True, disable=as_json) as progress:
        task = progress.add_task("reseal", total=None)
        return reseal(
            store,
            root.privacy(settings).vault,
            lambda seen, total: progress.update(task, completed=seen, total=total),
        )
