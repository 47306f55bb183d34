"""A class that follows its teacher: 200 simulated students and five pages in Chromium, against one real server.

`python -m benchmarks.classroom --follow [--students 200] [--seconds 60]`. The simulated students do what the pages do:
each holds one request, for the class and for what is new of the runs that the teacher shows. They are driven by a
process of its own, as the pages are, so that what they cost is counted apart.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import psutil

from benchmarks.lab_server import Client, LabServer

PAGES = 5
LONG = 200_000
TURN_S = 2.0  # between two steps that the teacher shows


def of(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Follower:
    """One simulated student. Times are those of the system's clock, which all processes share."""

    def __init__(self, number: int, port: int, code: str, until: float) -> None:
        self.workspace = f"student-{number:03}-of-the-benchmark"
        self.port, self.code, self.until = port, code, until
        self.shown: dict[int, float] = {}  # step -> when it was told
        self.news: dict[str, float] = {}  # how the runs stood -> when that came first
        self.answers = 0
        self.errors: list[str] = []

    async def follow(self, runs: list[str]) -> None:
        """Join, ask for the runs once, then hold one request until the lesson is over."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            await self._ask(reader, writer, "POST", f"/api/classes/{self.code}/join")
            async with asyncio.timeout(max(0.1, self.until - time.time())):
                query = "&".join(f"run={run}:0" for run in runs)
                records, version = await self._ask(reader, writer, "GET", f"/api/records?{query}"), 0
                while True:
                    since = [run["last_step"] for run in records["runs"]]
                    state = await self._ask(reader, writer, "GET", self._path(version, runs, since, records["told"]))
                    version, now = state["version"], time.time()
                    if state["shown"] and state["shown"].get("step") is not None:
                        self.shown.setdefault(int(state["shown"]["step"]), now)
                    if "records" in state:
                        records = state["records"]
                        self.news.setdefault(records["told"], now)
                        self.answers += 1
        except TimeoutError:
            return
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self.errors.append(f"{self.workspace}: {type(error).__name__} {error}")

    def _path(self, version: int, runs: list[str], since: list[int], told: str) -> str:
        query = "".join(f"&run={run}:{step}" for run, step in zip(runs, since, strict=True))
        return f"/api/classes/{self.code}/changes?version={version}&following=1{query}&told={told}"

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str
    ) -> dict[str, Any]:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Workspace: {self.workspace}\r\nContent-Length: 0\r\n\r\n"
        )
        writer.write(head.encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
        body, status = await reader.readexactly(length), int(lines[0].split()[1])
        if status != 200:
            raise ValueError(f"{path} was answered with {status}: {body[:100].decode()}")
        answer: dict[str, Any] = json.loads(body)
        return answer


def simulate(order: dict[str, Any]) -> dict[str, Any]:
    """Be all simulated students; return what they saw."""

    async def everybody() -> list[Follower]:
        students = [Follower(n, order["port"], order["code"], order["until"]) for n in range(order["students"])]
        await asyncio.gather(*(student.follow(order["runs"]) for student in students))
        return students

    students = asyncio.run(everybody())
    first: dict[str, list[float]] = defaultdict(list)
    for student in students:
        for which, at in student.news.items():
            first[which].append(at)
    spread = [at - min(times) for times in first.values() if len(times) > len(students) / 10 for at in times]
    return {
        "shown": [[step, at] for student in students for step, at in student.shown.items()],
        "spread": spread,
        "answers": sum(student.answers for student in students),
        "errors": [error for student in students for error in student.errors],
    }


def browse(order: dict[str, Any]) -> dict[str, Any]:
    """Be the pages in Chromium; return when each showed which step, by the system's clock."""
    from playwright.sync_api import sync_playwright

    from tests.support.chromium import FLAGS, executable

    seen, opened = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        pages = []
        for number in range(order["students"]):
            phone = number % 2 == 0
            size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 720}
            page = browser.new_context(viewport=size).new_page()
            page.set_default_timeout(60_000)
            began = time.time()
            page.goto(f"http://localhost:{order['port']}/class/{order['code']}")
            page.get_by_role("button", name="Join the class").click()
            page.wait_for_function("() => Boolean(document.querySelector('[data-figure=loss]')?.data)")
            opened.append(time.time() - began)
            page.evaluate(
                """() => { window.steps = {}; new MutationObserver(() => {
                     const step = document.querySelector('.rgl-when')?.textContent.match(/^step ([0-9,]+)$/)?.[1];
                     if (step) window.steps[step.replaceAll(',', '')] ??= Date.now() / 1000;
                   }).observe(document.body, {subtree: true, childList: true, characterData: true}); }"""
            )
            pages.append(page)
        time.sleep(max(0.0, order["until"] - time.time()))
        for page in pages:
            seen += [[int(step), at] for step, at in page.evaluate("() => window.steps").items()]
        browser.close()
    return {"shown": seen, "opened": opened, "errors": []}


PARTS = {"simulate": simulate, "browse": browse}


def follow(folder: Path, students: int, seconds: float, classes: list[dict[str, Any]]) -> dict[str, Any]:
    """Hold the lesson: the runs `classes` are trained, by as many people, while all follow the teacher."""
    server = LabServer(folder)
    server.start()
    helpers: list[subprocess.Popen[str]] = []
    figures: dict[str, Any] = {}
    try:
        teacher = Client(server.port)
        lesson, trained = time.monotonic(), server.worker_cpu_seconds()
        started = teacher.start(classes[0] | {"steps": LONG}, compare=True)  # on the board all the time
        runs = [run["watch"] for run in started["runs"]]
        code = teacher.json("POST", "/api/classes")["code"]
        shown = {"runs": started["group_watch"], "step": None, "figure": None, "lesson": None}
        teacher.json("PUT", f"/api/classes/{code}/shown", shown)
        for config in classes[1:]:
            Client(server.port).start(config, compare=True)
        until = time.time() + 20 + seconds  # everybody has come after 20 seconds
        for part, count in (("simulate", students), ("browse", PAGES)):
            order = {"port": server.port, "code": code, "until": until, "students": count, "runs": runs}
            command = [sys.executable, "-m", "benchmarks.following", part, json.dumps(order)]
            helpers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        time.sleep(max(0.0, until - seconds - time.time()))
        began, cpu = time.monotonic(), server.cpu_seconds()
        sent: dict[int, float] = {}
        joined, refresh, last = 0, [], [0] * len(runs)
        while time.time() < until - 1:
            step = len(sent) + 1
            sent[step] = time.time()
            teacher.json("PUT", f"/api/classes/{code}/shown", shown | {"step": step})
            while time.time() < min(sent[step] + TURN_S, until - 1):
                query = "&".join(f"run={run}:{since}" for run, since in zip(runs, last, strict=True))
                last = [run["last_step"] for run in teacher.json("GET", f"/api/records?{query}")["runs"]]
                refresh.append(teacher.seconds)
                time.sleep(0.25)
            joined = max(joined, teacher.json("GET", f"/api/classes/{code}")["followers"])
        lasted = time.monotonic() - began
        figures |= {
            "seconds": lasted,
            "ui_share": (server.cpu_seconds() - cpu) / lasted,
            "followers": joined,
            "refresh": refresh,
            "sent": sent,
            "load_cpu": sum(_seconds(helper.pid) for helper in helpers),
        }
        figures["worker_cpu"] = server.worker_cpu_seconds() - trained
        figures["lesson"] = time.monotonic() - lesson
        for part, helper in zip(("simulate", "browse"), helpers, strict=True):
            figures[part] = json.loads(helper.communicate(timeout=120)[0])
        return figures
    finally:
        for helper in helpers:
            helper.kill()
        server.stop()


def _seconds(process: int) -> float:
    """Return the processor time of a process and of those below it so far."""
    try:
        root = psutil.Process(process)
        return sum(sum(each.cpu_times()[:2]) for each in [root, *root.children(recursive=True)])
    except psutil.Error:
        return 0.0


def delays(part: dict[str, Any], sent: dict[int, float]) -> list[float]:
    """Return by how much later than the teacher asked for it each step was shown."""
    return [at - sent[step] for step, at in part["shown"] if step in sent]


def checks(figures: dict[str, Any]) -> list[tuple[str, float, bool | None]]:
    """Return what was measured: name, value, and whether the target is met (None: there is none)."""
    simulated, pages = figures["simulate"], figures["browse"]
    told, seen = delays(simulated, figures["sent"]), delays(pages, figures["sent"])
    spread, refresh = simulated["spread"], figures["refresh"]
    errors = simulated["errors"] + pages["errors"]
    for line in errors[:10]:
        print("    ", line)
    return [
        ("followers, as the teacher sees it", figures["followers"], None),
        ("answers to held requests a second", simulated["answers"] / figures["seconds"], None),
        ("a refresh of the teacher's board, p95 ms", of(refresh, 0.95) * 1000, of(refresh, 0.95) <= 0.25),
        ("one answer, from the first follower to the last, p95 ms", of(spread, 0.95) * 1000, of(spread, 0.95) <= 0.25),
        ("the teacher's step at a follower, median ms", of(told, 0.5) * 1000, None),
        ("the teacher's step at a follower, p95 ms", of(told, 0.95) * 1000, of(told, 0.95) <= 0.5),
        (f"the teacher's step on {PAGES} pages in Chromium, p95 ms", of(seen, 0.95) * 1000, of(seen, 0.95) <= 0.5),
        ("a student's page, until the curves are there, median s", of(pages["opened"], 0.5), None),
        ("UI process, share of one core", figures["ui_share"], figures["ui_share"] <= 0.35),
        ("students and pages, shares of one core", figures["load_cpu"] / (figures["seconds"] + 20), None),
        ("errors", len(errors), not errors),
    ]


if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](json.loads(sys.argv[2]))))
