"""What the gateway adds to a call of a model: time, and memory; and how many calls it carries."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

from bench.figures import Figure

CALLS, ROUNDS, AT_ONCE, EVENTS = 600, 5, 16, 40
_START_SECONDS = 120
_MASTER = f"sk-{secrets.token_hex(32)}"  # LiteLLM starts with no weaker one
_BODY = {"model": "m", "messages": [{"role": "user", "content": "x" * 8_000}], "max_tokens": 100}

_PROVIDER = f"""
import asyncio, json
usage = {{"prompt_tokens": 2000, "completion_tokens": 40, "total_tokens": 2040}}
message = {{"role": "assistant", "content": "word " * {EVENTS}}}
choice = {{"index": 0, "message": message, "finish_reason": "stop"}}
top = {{"id": "c", "created": 1, "model": "m"}}
whole = json.dumps({{**top, "object": "chat.completion", "choices": [choice], "usage": usage}})
def part(delta, end=None):
    choice = {{"index": 0, "delta": delta, "finish_reason": end}}
    return {{**top, "object": "chat.completion.chunk", "choices": [choice]}}
parts = [part({{"content": "word "}}) for _ in range({EVENTS})] + [part({{}}, "stop")]
parts.append({{**top, "object": "chat.completion.chunk", "choices": [], "usage": usage}})
events = [b"data: " + json.dumps(p).encode() + b"\\n\\n" for p in parts] + [b"data: [DONE]\\n\\n"]
def head(kind, more):
    return f"HTTP/1.1 200 OK\\r\\nContent-Type: {{kind}}\\r\\n{{more}}\\r\\n\\r\\n".encode()
plain = head("application/json", f"Content-Length: {{len(whole)}}") + whole.encode()
async def serve(reader, writer):
    try:
        while True:
            header = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            if b"content-length:" not in header:
                return writer.close()
            size = int(header.split(b"content-length:")[1].split(b"\\r\\n")[0])
            body = json.loads(await reader.readexactly(size))
            if body.get("stream"):
                writer.write(head("text/event-stream", "Transfer-Encoding: chunked"))
                for event in events:
                    writer.write(b"%x\\r\\n%s\\r\\n" % (len(event), event))
                writer.write(b"0\\r\\n\\r\\n")
            else:
                writer.write(plain)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

_GATEWAY = """
import sys
from decimal import Decimal
from bot.adapters.clock import SystemClock
from bot.adapters.gateway.gateway import Gateway
from bot.core.routing import Tier
tier = Tier.model_validate({"name": "t", "engine": "builtin", "provider": "p", "model": "m",
    "billing": "free", "base_url": sys.argv[1]})
with Gateway(lambda _: None, SystemClock().now).open(tier, Decimal(0)) as door:
    print(door.url, flush=True)
    sys.stdin.read()
    assert all(call.counted for call in door.calls()), "a call was not counted"
"""


def bench_gateway() -> Iterable[Figure]:
    """Send the same calls directly, through the gateway, and through LiteLLM's where it is."""
    with ExitStack() as stack:
        provider, port = stack.enter_context(_started([sys.executable, "-c", _PROVIDER]))
        del provider
        direct = f"http://127.0.0.1:{port}/v1"
        ours, url = stack.enter_context(_started([sys.executable, "-c", _GATEWAY, direct]))
        ways = {"direct": direct, "gateway": f"{url}/v1"}
        pids = {"gateway": ours}
        litellm = stack.enter_context(_litellm(direct))
        if isinstance(litellm, str):
            yield Figure("gateway: beside LiteLLM", float("nan"), note=litellm)
        else:
            ways["LiteLLM"], pids["LiteLLM"] = litellm
        for kind in ("plain", "streamed"):
            yield from _figures(kind, ways, pids)


def _figures(kind: str, ways: dict[str, str], pids: dict[str, int]) -> Iterable[Figure]:
    """Measure all ways in turns, so that what else the machine does hits each of them."""
    one = {name: list[float]() for name in ways}
    many = {name: list[float]() for name in ways}
    for _ in range(ROUNDS):
        for name, url in ways.items():
            one[name] += asyncio.run(_calls(url, kind, 1, CALLS // 4 // ROUNDS))[0]
        for name, url in ways.items():
            took, seconds = asyncio.run(_calls(url, kind, AT_ONCE, CALLS // ROUNDS))
            many[name].append(len(took) / seconds)
    base = quantiles(one["direct"], n=100)
    added = {
        name: [(quantiles(one[name], n=100)[p - 1] - base[p - 1]) * 1000 for p in (50, 99)]
        for name in pids
    }
    rates = {name: median(many[name]) for name in pids}
    memory = {name: _memory(pid) for name, pid in pids.items()}
    for name in pids:
        for p, ms in zip((50, 99), added[name], strict=True):
            note = f"{base[p - 1] * 1000:.2f} ms without it"
            yield Figure(f"gateway: {kind}, {name}, added p{p}", ms, "ms", note=note)
        yield Figure(f"gateway: {kind}, {name}, {AT_ONCE} at once", rates[name], "calls/s")
        yield Figure(f"gateway: {kind}, {name}, memory", memory[name], "MB")
    if "LiteLLM" in pids:
        theirs = "LiteLLM"
        yield Figure(
            f"gateway: {kind}, LiteLLM's throughput of ours", rates[theirs] / rates["gateway"],
            bound=1 / 10,
        )  # fmt: skip
        for nth, p in enumerate((50, 99)):
            ratio = added["gateway"][nth] / added[theirs][nth]
            yield Figure(f"gateway: {kind}, our added p{p} of LiteLLM's", ratio, bound=1 / 5)
        ratio = memory["gateway"] / memory[theirs]
        yield Figure(f"gateway: {kind}, our memory of LiteLLM's", ratio, bound=1 / 3)


async def _calls(url: str, kind: str, at_once: int, count: int) -> tuple[list[float], float]:
    """Make calls; return the seconds of each, and those of all."""
    import aiohttp

    body = {**_BODY, "stream": True} if kind == "streamed" else _BODY
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {_MASTER}"}
    data, took = json.dumps(body).encode(), list[float]()
    async with aiohttp.ClientSession(headers=headers, trust_env=False) as session:

        async def client(number: int) -> None:
            for _ in range(number):
                start = time.perf_counter()
                async with session.post(f"{url}/chat/completions", data=data) as answer:
                    got = await answer.read()
                took.append(time.perf_counter() - start)
                if answer.status != 200 or got.count(b"word ") != EVENTS:
                    raise RuntimeError(f"{url}: {answer.status} {got[:300]!r}")

        await client(20)  # connections, and what is loaded late
        took.clear()
        start = time.perf_counter()
        await asyncio.gather(*(client(count // at_once) for _ in range(at_once)))
        return took, time.perf_counter() - start


@contextmanager
def _started(argv: list[str]) -> Iterator[tuple[int, str]]:
    """Start a program; yield its id and the first line that it prints. It ends with its input."""
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.stdin.close()
            if "start_server" in argv[-1]:
                process.terminate()
            process.wait(20)


@contextmanager
def _litellm(provider: str) -> Iterator[tuple[str, int] | str]:
    """Start LiteLLM's proxy; yield its address and process, or why it is not there."""
    command = os.environ.get("BENCH_LITELLM") or _installed_litellm()
    if not command:
        yield "not measured: litellm[proxy] could not be installed"
        return
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        model = {"model": "openai/m", "api_base": provider, "api_key": "sk-real"}
        config = {"model_list": [{"model_name": "m", "litellm_params": model}]}
        Path(folder, "config.yaml").write_text(json.dumps(config))
        argv = [command, "--config", "config.yaml", "--port", str(port), "--host", "127.0.0.1"]
        with subprocess.Popen(
            argv,
            cwd=folder,
            env={**os.environ, "LITELLM_MASTER_KEY": _MASTER, "PYTHONPATH": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                _wait_for(port)
                yield f"http://127.0.0.1:{port}/v1", process.pid
            finally:
                process.terminate()


def _installed_litellm() -> str:
    """Install LiteLLM apart from everything else, once; return its command, empty: it cannot be."""
    place = Path(__file__).resolve().parents[1] / ".tools" / "litellm"
    command = place / "bin" / "litellm"
    if not command.exists():
        steps = (
            (sys.executable, "-m", "venv", str(place)),
            (str(place / "bin" / "pip"), "install", "-q", "litellm[proxy]"),
        )
        for argv in steps:
            if subprocess.run(argv, check=False, capture_output=True).returncode != 0:
                return ""
    return str(command)


def _wait_for(port: int) -> None:
    for _ in range(_START_SECONDS * 5):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"nothing listens on {port}")


def _memory(pid: int) -> float:
    """Return the most memory that a process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")
