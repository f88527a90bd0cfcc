"""Works out plan-1.json: the plan of tests/it/lab.rs on device `bench`, independently of dyno-plan.

Run in this folder: python3 plan_1.py > plan-1.json
"""

import hashlib
import json
import re
import tomllib

lab = open("../it/lab.rs", encoding="utf-8").read()


def const(name):
    return re.search(rf'const {name}: &str = r#"(.*?)"#;', lab, re.S).group(1)


lines = re.findall(r'r#"(.*?)"#', re.search(r"PROMPTS: &str = concat!\((.*?)\n\);", lab, re.S).group(1))
prompts = [json.loads(line) for line in lines]
suite_text = const("SUITE")
suite = tomllib.loads(suite_text)["suite"]["small"]
device = tomllib.loads(const("DEVICES"))["device"]["bench"]
runtimes = tomllib.loads(const("RUNTIMES"))["runtime"]
MASK = (1 << 64) - 1


def stream(seed, purpose, place):
    state = int(hashlib.sha256(f"{seed}/{purpose}/{place}".encode()).hexdigest()[:16], 16)
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def shuffle(items, draws):
    for last in range(len(items) - 1, 0, -1):
        n = last + 1
        while True:
            draw = next(draws)
            if draw < MASK - MASK % n:
                break
        other = draw % n
        items[last], items[other] = items[other], items[last]


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


cells = []
for runtime in suite["runtime"]:
    for threads in suite["threads"]:
        for context in suite["context_tokens"]:
            for load in suite["load"]:
                fields = {
                    "device": "bench",
                    "runtime": runtime,
                    "model": "none",
                    "threads": threads,
                    "context_tokens": context,
                    "load": {"kind": load["kind"], "think_ms": load.get("think_ms", 0)},
                }
                digest = hashlib.sha256(compact(fields).encode()).hexdigest()
                cells.append({"id": digest[:16], **fields})

runs = []
for repetition in range(suite["repetitions"]):
    order = [cell["id"] for cell in cells]
    shuffle(order, stream(suite["seed"], "order of cells", repetition))
    chosen = ["a", "b", "d"]
    shuffle(chosen, stream(suite["seed"], "order of prompts", repetition))
    for cell in order:
        requests = [
            {
                "prompt": prompt,
                "sampling": {
                    "max_tokens": 16,
                    "ignore_eos": False,
                    "temperature_milli": 250,
                    "top_p_milli": 900,
                    "seed": next(stream(suite["seed"], "request", f"{repetition}/{prompt}")),
                },
                "due_ns": None,
                "limit_ms": 1000,
            }
            for prompt in chosen
        ]
        runs.append({"id": len(runs), "cell": cell, "repetition": repetition, "requests": requests})


def messages(prompt):
    return prompt.get("messages") or [{"role": "user", "content": prompt["prompt"]}]


def runtime(words):
    settings = {key: str(value) for key, value in sorted(words.get("settings", {}).items())}
    return {"title": words["title"], "dialect": words["dialect"], "settings": settings, "ready_limit_ms": 1000}


plan = {
    "format": 1,
    "tool_version": "0",
    "suite": {
        "name": "small",
        "description": suite["description"],
        "digest": hashlib.sha256(suite_text.encode()).hexdigest(),
    },
    "seed": 7,
    "devices": {
        "bench": {
            "transport": {"kind": "local"},
            "board": None,
            "tags": device["tags"],
            "work_dir": None,
            "price_eur_cents": 9250,
        }
    },
    "models": {
        "none": {"title": "no model", "license": "none", "origin": {"kind": "none"}, "context_tokens": 2048}
    },
    "runtimes": {name: runtime(runtimes[name]) for name in ["fake", "fake-slow"]},
    "corpus": {
        "name": "tiny",
        "digest": hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest(),
        "slice": "three",
    },
    "prompts": {
        p["id"]: {"category": p["category"], "language": p["language"], "messages": messages(p)}
        for p in prompts
        if p["id"] in "abd"
    },
    "cells": cells,
    "runs": runs,
    "sampling_period_ms": 200,
}
print(compact(plan))
