# SPDX-License-Identifier: GPL-3.0-or-later
"""The token ids that `kurtoscope bench` takes: a 64-bit Mersenne twister's outputs modulo the vocabulary."""

import numpy


def twister(seed: int):
    """Matsumoto and Nishimura's MT19937-64, as the C++ standard names it."""
    size, middle, mask = 312, 156, (1 << 64) - 1
    state = [seed & mask]
    for i in range(1, size):
        state.append((6364136223846793005 * (state[-1] ^ (state[-1] >> 62)) + i) & mask)
    while True:
        for i in range(size):
            joined = (state[i] & 0xFFFFFFFF80000000) | (state[(i + 1) % size] & 0x7FFFFFFF)
            twist = 0xB5026F5AA96619E9 if joined & 1 else 0
            state[i] = state[(i + middle) % size] ^ (joined >> 1) ^ twist
        for word in state:
            word ^= (word >> 29) & 0x5555555555555555
            word ^= (word << 17) & 0x71D67FFFEDA60000
            word ^= (word << 37) & 0xFFF7EEE000000000
            yield word ^ (word >> 43)


def token_ids(batch: int, length: int, vocabulary: int, seed: int) -> numpy.ndarray:
    words = twister(seed)
    ids = [next(words) % vocabulary for _ in range(batch * length)]
    return numpy.array(ids, dtype=numpy.int64).reshape(batch, length)
