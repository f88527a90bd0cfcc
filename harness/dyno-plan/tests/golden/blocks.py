"""Works out the drawn blocks of `drawn_blocks_by_other_means` in src/order.rs, independently of dyno-plan.

Run: python3 blocks.py
"""

import hashlib

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


drawn = ""
for block in range(6):
    arms = list("ABC")
    shuffle(arms, stream(7, "order of arms", f"{block}/0"))
    drawn += "".join(arms)
print(drawn)
