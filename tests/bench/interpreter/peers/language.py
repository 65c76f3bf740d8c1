"""The programs of interpreter_bench.cc in Python; prints "NAME MICROSECONDS" of each, the median of its batches."""
import functools
import json
import time


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def lists():
    tripled = map(lambda x: x * 3, range(1, 100001))
    even = filter(lambda x: x % 2 == 0, tripled)
    return functools.reduce(lambda total, x: total + x, even, 0)


def text():
    return len(functools.reduce(lambda text, n: text + str(n) + ", ", range(1, 10001), ""))


DOCUMENT = json.dumps({"rows": [{"id": n, "name": f"row {n}", "price": n + 0.5, "tags": ["a", "b"], "open": n % 2 == 0} for n in range(1, 201)]})


def records():
    return functools.reduce(
        lambda record, n: {"a": record["b"], "b": record["a"], "sum": record["sum"] + record["a"] * n}, range(1, 10001),
        {"a": 1, "b": 2, "sum": 0})


PROGRAMS = {"fib": lambda: fib(20), "lists": lists, "text": text, "json": lambda: len(json.dumps(json.loads(DOCUMENT))), "records": records}

for name, program in PROGRAMS.items():
    times, began = [], time.process_time()
    while time.process_time() - began < 1:
        start, rounds = time.process_time(), 0
        while time.process_time() - start < 0.02:
            program()
            rounds += 1
        times.append((time.process_time() - start) / rounds * 1e6)
    print(name, sorted(times)[len(times) // 2])
