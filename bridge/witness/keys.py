"""The witness's keys (见证密钥) in one directory: `witness.key`, private, mode 0600; `witness.pub`, all public keys.

Both in the note format. `witness.pub` has one key a line, the newest last: an older key stays valid for the checkpoints
it signed, and signs no newer ones. Copy it to whoever is to verify; the private key never leaves the directory.
"""

from pathlib import Path

from bridge.witness.checkpoints import write_atomically
from bridge.witness.logfiles import locked
from bridge.witness.note import NoteError, Signer, Verifier, generate

PRIVATE = "witness.key"
PUBLIC = "witness.pub"


def ensure(directory: Path, origin: str) -> Signer:
    """The signer of this directory; made under the name `origin` if there is none yet.

    NoteError if a key is there that is unreadable or bears another name.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(directory, exclusive=True):
        if not (directory / PRIVATE).exists():
            return _install(directory, generate(origin))
        signer = load(directory)
        if signer.verifier.name != origin:
            raise NoteError(
                f"{directory / PRIVATE} is the key of {signer.verifier.name}, not of {origin} (密钥名称不符)"
            )
        _publish(directory, signer.verifier)
        return signer


def load(directory: Path) -> Signer:
    """The signer of this directory. FileNotFoundError if there is none, NoteError if it is unreadable."""
    return Signer.load((directory / PRIVATE).read_text("utf-8").strip())


def rotate(directory: Path) -> Signer:
    """A new key under the same name; the old private key is gone, its public key stays valid for what it signed.

    FileNotFoundError if there is no key yet.
    """
    with locked(directory, exclusive=True):
        return _install(directory, generate(load(directory).verifier.name))


def verifiers(path: Path) -> list[Verifier]:
    """The public keys in `path` (`witness.pub`, or the directory that has it), the newest last.

    FileNotFoundError if it is not there, NoteError if a line is no key or there is none.
    """
    lines = (path / PUBLIC if path.is_dir() else path).read_text("utf-8").splitlines()
    found = [Verifier.load(line) for line in lines if line.strip()]
    if not found:
        raise NoteError(f"no public key in {path} (没有公钥)")
    return found


def _install(directory: Path, signer: Signer) -> Signer:
    # The public key first: a checkpoint must never be signed by a key that nobody can look up.
    _publish(directory, signer.verifier)
    write_atomically(directory / PRIVATE, f"{signer.text()}\n".encode(), 0o600)
    return signer


def _publish(directory: Path, verifier: Verifier) -> None:
    path = directory / PUBLIC
    known = path.read_text("utf-8").splitlines() if path.exists() else []
    if verifier.text() not in known:
        write_atomically(path, "".join(f"{line}\n" for line in [*known, verifier.text()]).encode())
