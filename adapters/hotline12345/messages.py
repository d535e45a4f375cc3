"""Every message by name: which model prescribes its data, and which its answer.

`ACTIONS` may be called at either side's door, `NOTICES_ONLY` come as polled notices and nowhere else, `ANSWERS` are
what comes back where that is more than the receiver's two numbers.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from adapters.hotline12345 import standard, standard_answers, standard_questions, standard_report
from adapters.hotline12345.standard import Prescribed

ACTIONS: Mapping[str, type[Prescribed]] = {
    "REPORT": standard_report.Report,
    "GET_REC_INFO": standard_questions.GetRecInfo,
    "ITEM_INST_SYNC": standard.ItemInstSync,
    "DISPOSE_FEEDBACK": standard.DisposeFeedback,
    "APPLY_ROLLBACK": standard.Applied,
    "REPLY_ROLLBACK": standard.Replied,
    "APPLY_POSTPONE": standard.ApplyPostpone,
    "REPLY_POSTPONE": standard.Replied,
    "APPLY_CANCEL": standard.Applied,
    "REPLY_CANCEL": standard.Replied,
    "CHECK_FEEDBACK": standard.CheckFeedback,
    "ARCHIVE": standard.Archived,
    "EVALUATE": standard.Evaluate,
    "GET_NOTICE_INFO": standard_questions.GetNoticeInfo,
    "NOTICE_SIGNING": standard_questions.NoticeSigning,
    "SUPERVISE": standard.Supervise,
    "PRESS": standard.Press,
    "SIGN": standard.Sign,
    "NOTIFY": standard.Notify,
    "GET_REC_PROCESS_INFO": standard_questions.GetRecProcessInfo,
    "UPDATE_CASE_INFO": standard_report.UpdateCaseInfo,
    "UPLOAD_CASE_INFO": standard_report.UpdateCaseInfo,
    "UPLOAD_MEDIA": standard.UploadMedia,
}

NOTICES_ONLY: Mapping[str, type[Prescribed]] = {
    "CANCEL": standard.Cancel,
    "APPLY_ARCHIVE": standard.Remark,
    "EVALUATE_APPEAL": standard.Remark,
    "EVALUATE_AUDIT": standard.Remark,
    "REPLY_FINISH": standard.Replied,
}

EXTENSION: Mapping[str, type[Prescribed]] = {"GET_REC_LIST": standard_questions.GetRecList}
"""Ours: in no document."""

ANSWERS: Mapping[str, type[Prescribed]] = {
    "numbers": standard_answers.Numbers,
    "GET_REC_INFO": standard_answers.RecInfoResult,
    "GET_REC_PROCESS_INFO": standard_answers.Steps,
    "GET_NOTICE_INFO": standard_answers.Notices,
    "GET_REC_LIST": standard_answers.RecList,
    "dictionary": standard_answers.Dictionary,
    "token": standard_answers.TokenResult,
}

ENVELOPES: Mapping[str, type[Prescribed]] = {
    "request": standard.Envelope,
    "answer": standard_answers.Answer,
    "public-key": standard_answers.PublicKey,
    "client": standard_answers.Client,
}


def prescribed(action: str, archives: bool) -> type[Prescribed] | None:
    """The model of an action's data; `archives`: a CHECK_FEEDBACK that carries an archiveTypeId ends the case."""
    if action == "CHECK_FEEDBACK" and archives:
        return standard.Archived
    return ACTIONS.get(action) or EXTENSION.get(action)


def faults(model: type[Prescribed], data: object) -> list[tuple[str, str]]:
    """(field, what is wrong) of all that the standard does not allow; nothing of the data itself."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [(".".join(map(str, one["loc"])), one["type"]) for one in error.errors(include_input=False)]
    return []
