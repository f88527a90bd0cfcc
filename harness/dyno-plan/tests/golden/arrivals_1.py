"""Works out arrivals-1.json: instants of open loops, independently of dyno-plan.

Run in this folder: python3 arrivals_1.py > arrivals-1.json

Python's floats are IEEE 754, too, but ln, e^x and the ramp's root are computed here with decimals of 50 digits and
rounded at the end of each draw, so that a mistake in dyno-plan's own series would show.
"""

import hashlib
import json
from decimal import Decimal, getcontext

getcontext().prec = 50
MASK = (1 << 64) - 1


def stream(seed, purpose, place):
    state = int(hashlib.sha256(f"{seed}/{purpose}/{place}".encode()).hexdigest()[:16], 16)
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def uniform(draws):
    return (Decimal(next(draws) >> 12) + Decimal("0.5")) / (1 << 52)


def normal(draws):
    while True:
        x, y = 2 * uniform(draws) - 1, 2 * uniform(draws) - 1
        square = x * x + y * y
        if 0 < square < 1:
            return x * (-2 * square.ln() / square).sqrt()


def gamma(shape):
    def draw(draws):
        boost = (uniform(draws).ln() / shape).exp() if shape < 1 else 1
        d = (shape + 1 if shape < 1 else shape) - Decimal(1) / 3
        c = 1 / (9 * d).sqrt()
        while True:
            x = normal(draws)
            v = (1 + c * x) ** 3
            if v > 0 and uniform(draws).ln() < x * x / 2 + d - d * v + d * v.ln():
                return boost * d * v

    return draw


def poisson(draws):
    return -uniform(draws).ln()


def due(draw, start, end, n, seed, repetition):
    draws = stream(seed, "arrivals", repetition)
    sums = []
    for _ in range(n):
        sums.append((sums[-1] if sums else 0) + draw(draws))
    start, end = Decimal(start), Decimal(end)
    total = 2 * n / (start + end)
    found = []
    for value in sums:
        value = value / sums[-1] * n
        if start == end:
            at = value / start
        else:
            slope = (end - start) / total
            at = (-start + (start * start + 2 * slope * value).sqrt()) / slope
        found.append(int((at * 10**9).to_integral_value()))
    return found


print(
    json.dumps(
        {
            "poisson": due(poisson, "2.5", "2.5", 50, 7, 0),
            "gamma 0.25": due(gamma(Decimal("0.25")), "2.5", "2.5", 50, 7, 1),
            "gamma 4": due(gamma(Decimal(4)), "2.5", "2.5", 50, 7, 2),
            "poisson ramp": due(poisson, "0.5", "4", 50, 7, 3),
        }
    )
)
