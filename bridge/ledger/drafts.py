"""What an adapter's draft speaks of: its numbers, its references, and its keys as the database can hold them.

Keys and references come from strangers; none may turn into an error of the database's.
"""

from dataclasses import replace

from bridge import ids
from bridge.adapter import Acknowledgement, Draft, Ref, Submission, Update
from schemas.petition import ExternalId


def numbers_of(draft: Draft) -> tuple[ExternalId, ...]:
    """The numbers that a draft brings."""
    if isinstance(draft, Submission):
        return draft.external_ids + (draft.again.external_ids if draft.again else ())
    return draft.external_ids if isinstance(draft, Update) else ()


def refs_of(draft: Draft) -> tuple[Ref, ...]:
    """What a draft says about which petition it means."""
    if isinstance(draft, Submission):
        return draft.again.refs if draft.again else ()
    return draft.refs if isinstance(draft, Update) else ()


def storable(draft: Draft) -> Draft:
    """The draft with keys and references that the database can hold and index; usually the very same one."""
    return draft if all(ids.is_storable(key) for key in _keys(draft)) else _storable_draft(draft)


def _keys(draft: Draft) -> list[str]:
    if isinstance(draft, Acknowledgement):
        return [draft.message_key, draft.receipt, draft.failure or ""]
    return [draft.message_key, *(key for ref in refs_of(draft) for key in (ref.value, ref.petition_id or ""))]


def _storable_draft(draft: Draft) -> Draft:
    key = ids.storable(draft.message_key)
    if isinstance(draft, Acknowledgement):
        failure = ids.storable(draft.failure) if draft.failure is not None else None
        return replace(draft, message_key=key, receipt=ids.storable(draft.receipt), failure=failure)
    if isinstance(draft, Update):
        return replace(draft, message_key=key, refs=tuple(_storable_ref(ref) for ref in draft.refs))
    again = _storable_draft(draft.again) if draft.again else None
    return replace(draft, message_key=key, again=again if isinstance(again, Update) else None)


def _storable_ref(ref: Ref) -> Ref:
    petition_id = ids.storable(ref.petition_id) if ref.petition_id is not None else None
    return replace(ref, value=ids.storable(ref.value), petition_id=petition_id)
