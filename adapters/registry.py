"""The systems this city's bridge speaks to: one line each. Adding a system is a new folder and a new line here."""

from adapters.governance_center import MANIFEST as GOVERNANCE_CENTER
from adapters.hotline12345 import MANIFEST as HOTLINE12345
from adapters.wechat import MANIFEST as WECHAT
from bridge.adapter import Manifest

MANIFESTS: tuple[Manifest, ...] = (HOTLINE12345, GOVERNANCE_CENTER, WECHAT)
