"""Classes: a teacher shows, asks and hands out; students follow, answer and put their runs on the wall."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.api.news import asked_in, held
from dashboard.server import services
from dashboard.server.following import Followers, TooManyTabs
from dashboard.server.guesses import Guesses
from dashboard.server.http import (
    BODY_SECONDS,
    MAX_JSON_BYTES,
    ApiError,
    JSONAnswer,
    address_of,
    content_type,
    endpoint,
    read_body,
    read_json,
)
from dashboard.server.wall import wall_bytes
from dashboard.server.workspace import workspace_of
from rnncore.classes.school import (
    ClassError,
    ClassIsFull,
    Classroom,
    NotInClass,
    NotTheTeacher,
    School,
    UnknownClass,
)
from rnncore.classes.state import Handout, Poll, Shown
from rnncore.runs.store.keys import WATCH_KEY, watch_key

NO_CLASS = "There is no such class (any more)."
TEACHER_ONLY = "Only the teacher of this class may do that."
MEMBERS_ONLY = "Only who has joined this class may do that; join it first."
MANY_GUESSES = "Many wrong codes were tried from your address; try again in a few seconds."
MANY_TABS = "This class is open in many tabs of your browser; close one of them."
RETRY_S = 5.0

_guesses = Guesses()
_followers: Followers | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenRequest(_Body):
    """Body of POST /api/classes. names: whether the wall shows nicknames."""

    names: bool = False


class JoinRequest(_Body):
    """Body of POST /api/classes/CODE/join. name: a nickname; the one given before stays where it is left out."""

    name: str | None = None


class AnswerRequest(_Body):
    """Body of POST /api/classes/CODE/poll/answer. choice: its number, from 0."""

    choice: int


class RightRequest(_Body):
    """Body of POST /api/classes/CODE/poll/right. right: number of the right answer, where asking did not say it."""

    right: int | None = None


class RunRequest(_Body):
    """Body of POST /api/classes/CODE/runs. run: the id of the student's own run."""

    run: str


def followers() -> Followers:
    """Return the followers of this server's classes."""
    global _followers
    school = services.school()
    if _followers is None or not _followers.is_for(school):
        _followers = Followers(school)
    return _followers


async def _room(request: Request) -> Classroom:
    """Return the class in the address. Who does not belong to it may not try codes without end. Raises ApiError.

    Wrong codes of a network address hold nobody up who comes by it to a class that is there already: a whole school may
    have one address.
    """
    code, address, school = str(request.path_params["code"]), address_of(request), services.school()
    if followers().looks_for_old():
        await run_in_threadpool(school.close_old)
    try:
        room = school.room(code)
    except UnknownClass:
        room = None
    if room is not None and room.has(workspace_of(request)):
        followers().came(room, address)
        return room
    if room is not None and followers().come_by(room, address):
        return room
    if (seconds := _guesses.wait_s(address)) > 0:
        raise ApiError(429, MANY_GUESSES, max(1.0, seconds))
    if room is None:
        _guesses.was_wrong(address)
        raise ApiError(404, NO_CLASS)
    return room


async def _do(command: Callable[..., Any], *args: Any) -> Any:
    """Run a command of the school in a thread, and let those who follow know. Raises ApiError."""
    followers()
    try:
        return await run_in_threadpool(command, *args)
    except UnknownClass:
        raise ApiError(404, NO_CLASS) from None
    except NotTheTeacher:
        raise ApiError(403, TEACHER_ONLY) from None
    except NotInClass:
        raise ApiError(403, MEMBERS_ONLY) from None
    except ClassIsFull as error:
        raise ApiError(429, str(error)) from None
    except ClassError as error:
        raise ApiError(409, str(error)) from None


async def _body(request: Request) -> dict[str, Any]:
    """Return the JSON in the body; a body that is left out is an empty one."""
    if not content_type(request):
        await read_body(request, MAX_JSON_BYTES, BODY_SECONDS)
        return {}
    return await read_json(request)


@endpoint
async def open_class(request: Request) -> JSONAnswer:
    """Open a class, whose teacher is the caller's workspace; the one that it has open already is the answer."""
    asked = OpenRequest.model_validate(await _body(request))
    given = workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    room, new = await _do(services.school().open, workspace, asked.names)
    answer = {"code": room.code, "closes_at": round(room.closes_at)}
    if given is None:
        answer["workspace"] = workspace
    return JSONAnswer(answer, 201 if new else 200)


@endpoint
async def state(request: Request) -> dict[str, Any]:
    """What the class shows at this moment."""
    room = await _room(request)
    return followers().state(room, workspace_of(request) == room.teacher)


@endpoint
async def changes(request: Request) -> Response:
    """`?version=N`: the state once it is another than N; `following=0`: without being counted as a follower.

    `run=KEY:SINCE` and `told`, as for `/api/records`: also once there is news of these runs, which is `records` then.
    """
    room, workspace = await _room(request), workspace_of(request)
    version = request.query_params.get("version", "")
    if version and not (version.isascii() and version.isdecimal() and len(version) <= 15):
        raise ApiError(400, f"version: {version[:40]!r} is not allowed; allowed: the version of an earlier answer.")
    if not room.has(workspace):
        raise ApiError(403, MEMBERS_ONLY)
    assert workspace is not None
    follows = request.query_params.get("following", "1") != "0"
    ask = partial(held().ask, asked_in(request)) if "run" in request.query_params else None
    try:
        number = int(version) if version else None
        body = await followers().next_answer(room, workspace, number, follows, request, ask)
    except UnknownClass:
        raise ApiError(404, NO_CLASS) from None
    except TooManyTabs:
        raise ApiError(429, MANY_TABS, RETRY_S) from None
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@endpoint
async def join(request: Request) -> JSONAnswer:
    """Take part as a student, under a nickname if one is given."""
    asked = JoinRequest.model_validate(await _body(request))
    room, given = await _room(request), workspace_of(request)
    workspace = given or secrets.token_urlsafe(16)
    label = await _do(services.school().join, room.code, workspace, asked.name)
    followers().came(room, address_of(request))
    return JSONAnswer({"label": label} | ({"workspace": workspace} if given is None else {}))


@endpoint
async def close(request: Request) -> dict[str, Any]:
    """Close the class; its students' answers are deleted, their runs stay theirs."""
    return await _as_teacher(request, School.close)


@endpoint
async def show(request: Request) -> dict[str, Any]:
    """Show everybody what the teacher's board shows; `null` for nothing."""
    asked = await _body(request)
    shown = Shown.model_validate(await run_in_threadpool(_watched, asked)) if asked else None
    return await _as_teacher(request, School.show, shown)


@endpoint
async def names(request: Request) -> dict[str, Any]:
    """Choose whether the wall shows nicknames."""
    return await _as_teacher(request, School.show_names, OpenRequest.model_validate(await _body(request)).names)


@endpoint
async def ask(request: Request) -> dict[str, Any]:
    """Ask a question; an empty body takes it away."""
    asked = await _body(request)
    return await _as_teacher(request, School.ask, Poll.model_validate(asked) if asked else None)


@endpoint
async def close_poll(request: Request) -> dict[str, Any]:
    """Take no more answers and show how often each was given."""
    await _body(request)
    return await _as_teacher(request, School.close_poll)


@endpoint
async def tell_right(request: Request) -> dict[str, Any]:
    """Tell which answer was right."""
    asked = RightRequest.model_validate(await _body(request))
    return await _as_teacher(request, School.tell_answer, asked.right)


@endpoint
async def hand_out(request: Request) -> dict[str, Any]:
    """Give everybody a config and begin an empty wall; an empty body takes it away."""
    asked = await _body(request)
    return await _as_teacher(request, School.hand_out, Handout.model_validate(asked) if asked else None)


async def _as_teacher(request: Request, command: Callable[..., Any], *args: Any) -> dict[str, Any]:
    room = await _room(request)
    await _do(command, services.school(), room.code, workspace_of(request) or "", *args)
    return {"ok": True}


@endpoint
async def answer(request: Request) -> dict[str, Any]:
    """Answer the open question; a second answer takes the place of the first."""
    asked = AnswerRequest.model_validate(await read_json(request))
    room = await _room(request)
    await _do(services.school().answer, room.code, workspace_of(request) or "", asked.choice)
    return {"ok": True}


@endpoint
async def put_on_wall(request: Request) -> dict[str, Any]:
    """Show a run of one's own on the wall."""
    asked = RunRequest.model_validate(await read_json(request))
    room = await _room(request)
    await _do(services.school().put_on_wall, room.code, workspace_of(request) or "", asked.run)
    return {"ok": True}


@endpoint
async def wall(request: Request) -> Response:
    """The newest run of each student for the present hand-out, those with the smallest loss first."""
    room = await _room(request)
    if not room.has(workspace_of(request)):
        raise ApiError(403, MEMBERS_ONLY)
    body = await run_in_threadpool(wall_bytes, services.scheduler(), services.school(), room)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _watched(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be shown with watch keys in place of the teacher's own ids, which stay the teacher's."""
    runs = asked.get("runs")
    if not isinstance(runs, str):
        return asked
    store = services.scheduler().store
    keys = [each if WATCH_KEY.fullmatch(each) or not store.named(each) else watch_key(each) for each in runs.split(",")]
    return asked | {"runs": ",".join(keys)}


_AT = "/classes/{code}"
routes = [
    Route(f"{_AT}/changes", changes),
    Route("/classes", open_class, methods=["POST"]),
    Route(_AT, state, methods=["GET"]),
    Route(_AT, close, methods=["DELETE"]),
    Route(f"{_AT}/join", join, methods=["POST"]),
    Route(f"{_AT}/shown", show, methods=["PUT"]),
    Route(f"{_AT}/names", names, methods=["PUT"]),
    Route(f"{_AT}/poll", ask, methods=["PUT"]),
    Route(f"{_AT}/poll/close", close_poll, methods=["POST"]),
    Route(f"{_AT}/poll/right", tell_right, methods=["POST"]),
    Route(f"{_AT}/poll/answer", answer, methods=["POST"]),
    Route(f"{_AT}/handout", hand_out, methods=["PUT"]),
    Route(f"{_AT}/runs", put_on_wall, methods=["POST"]),
    Route(f"{_AT}/wall", wall),
]
