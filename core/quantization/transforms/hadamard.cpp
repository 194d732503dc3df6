// SPDX-License-Identifier: GPL-3.0-or-later
// Hadamard matrices (Sylvester 1867; Paley 1933, "On orthogonal matrices") and random rotations.
#include "core/quantization/transforms/hadamard.h"

#include <ATen/CPUGeneratorImpl.h>

namespace kurtoscope {
namespace {

bool isPrime(std::int64_t n) {
    for (std::int64_t divisor = 2; divisor * divisor <= n; ++divisor)
        if (n % divisor == 0) return false;
    return n > 1;
}

// χ(a − b) over the integers modulo a prime: 1 for squares, −1 for others, 0 for 0.
at::Tensor residues(std::int64_t prime) {
    std::vector<double> character(static_cast<std::size_t>(prime), -1);
    character[0] = 0;
    for (std::int64_t a = 1; a < prime; ++a)
        character[static_cast<std::size_t>(a * a % prime)] = 1;
    at::Tensor table = at::empty({prime, prime}, at::kDouble);
    auto entries = table.accessor<double, 2>();
    for (std::int64_t a = 0; a < prime; ++a)
        for (std::int64_t b = 0; b < prime; ++b)
            entries[a][b] = character[static_cast<std::size_t>((a - b + prime) % prime)];
    return table;
}

// The residues, bordered by a row of 1 and a column of `corner`: a conference matrix.
at::Tensor bordered(std::int64_t prime, double corner) {
    at::Tensor table = at::zeros({prime + 1, prime + 1}, at::kDouble);
    table.narrow(0, 0, 1).narrow(1, 1, prime).fill_(1);
    table.narrow(0, 1, prime).narrow(1, 0, 1).fill_(corner);
    table.narrow(0, 1, prime).narrow(1, 1, prime).copy_(residues(prime));
    return table;
}

at::Tensor square(double a, double b, double c, double d) {
    return at::tensor({a, b, c, d}, at::kDouble).view({2, 2});
}

at::Tensor paley(std::int64_t size) {
    if (const std::int64_t prime = size - 1; isPrime(prime) && prime % 4 == 3)
        return bordered(prime, -1) + at::eye(size, at::kDouble);
    if (const std::int64_t prime = size / 2 - 1; size % 4 == 0 && isPrime(prime) && prime % 4 == 1)
        return at::kron(bordered(prime, 1), square(1, 1, 1, -1)) +
               at::kron(at::eye(prime + 1, at::kDouble), square(1, -1, -1, -1));
    return {};
}

at::Tensor sylvester(std::int64_t size) {
    at::Tensor made = at::ones({1, 1}, at::kDouble);
    for (std::int64_t reached = 1; reached < size; reached *= 2)
        made = at::kron(square(1, 1, 1, -1), made);
    return made;
}

std::int64_t oddPart(std::int64_t n) {
    while (n % 2 == 0)
        n /= 2;
    return n;
}

at::Generator seeded(std::uint64_t seed) {
    return at::make_generator<at::CPUGeneratorImpl>(seed);
}

at::Tensor randomOrthogonal(std::int64_t size, std::uint64_t seed) {
    const auto [q, r] = at::linalg_qr(at::randn({size, size}, seeded(seed), at::kDouble));
    const at::Tensor diagonal = r.diagonal();
    return q * at::where(diagonal < 0, -at::ones_like(diagonal), at::ones_like(diagonal));
}

} // namespace

at::Tensor hadamard(std::int64_t size) {
    const std::int64_t odd = oddPart(size);
    if (odd == 1) return sylvester(size);
    for (std::int64_t order = 4 * odd; order <= size && size % order == 0; order *= 2)
        if (const at::Tensor base = paley(order); base.defined())
            return at::kron(sylvester(size / order), base);
    return {};
}

Rotation hadamardRotation(std::int64_t size, std::uint64_t seed) {
    const at::Tensor signs = at::randint(0, 2, {size}, seeded(seed), at::kDouble) * 2 - 1;
    at::Tensor made = hadamard(size);
    double bytes = double(size) / 8; // the signs; the matrix itself follows from its size
    if (made.defined()) {
        made = made / std::sqrt(double(size));
    } else {
        const std::int64_t odd = oddPart(size), power = size / odd;
        made = at::kron(sylvester(power) / std::sqrt(double(power)), randomOrthogonal(odd, seed));
        bytes += 4.0 * double(odd * odd);
    }
    return {(signs.unsqueeze(1) * made).to(at::kFloat), bytes};
}

Rotation randomRotation(std::int64_t size, std::uint64_t seed) {
    return {randomOrthogonal(size, seed).to(at::kFloat), 4.0 * double(size * size)};
}

} // namespace kurtoscope
