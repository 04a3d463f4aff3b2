"""The one shape of every error."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from pmsapp.schemas.base import Answer, is_none


class FieldProblem(Answer):
    """What is wrong with one field; `field` is its dotted path."""

    field: str
    message: str


class Problem(Answer):
    """Why a call was refused or failed (RFC 9457). `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: Annotated[
        list[FieldProblem] | None, Field(exclude_if=is_none, description="Only where fields were wrong")
    ] = None
    connection_id: Annotated[
        int | None, Field(exclude_if=is_none, description="The connection that reads this practice already")
    ] = None
    link: Annotated[
        str | None, Field(exclude_if=is_none, description="The address of that connection in this interface")
    ] = None
    current: Annotated[
        dict[str, Any] | None,
        Field(exclude_if=is_none, description="What stands there now, where somebody else was faster"),
    ] = None
