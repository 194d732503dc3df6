// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kurtoscope {

// An orthogonal matrix and what storing it takes.
struct Rotation {
    at::Tensor matrix; // [size, size] float32
    double bytes = 0;
};

// ±1 signs from the seed, times the Sylvester–Paley Hadamard matrix of order `size` over √size. Where this
// knows none, a Sylvester matrix ⊗ a random orthogonal one of the order that is left.
Rotation hadamardRotation(std::int64_t size, std::uint64_t seed);
// Uniform over orthogonal matrices: Q of a Gaussian matrix's QR decomposition, R's diagonal made positive.
Rotation randomRotation(std::int64_t size, std::uint64_t seed);

// Entries ±1 with H Hᵀ = size · 1, float64: Sylvester's doubling, Paley's two constructions over primes, and
// their products. Undefined where none of them reaches `size`.
at::Tensor hadamard(std::int64_t size);

} // namespace kurtoscope
