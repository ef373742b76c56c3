"""How likely a difference is by chance alone; only the standard library and NumPy, held to SciPy by the tests."""

from __future__ import annotations

import math

CONFIDENT = 1.959963984540054  # standard normal quantile of 0.975: two-sided 95 percent


def chi_squared(statistic: float, freedom: int) -> float:
    """Give the probability of a chi-squared variable above `statistic`: Q(freedom/2, statistic/2).

    By the series for P or the continued fraction for Q, whichever converges: NIST Digital Library of Mathematical
    Functions, 8.11.4 and 8.9.2, the latter evaluated by Lentz's method.
    """
    shape, at = freedom / 2, statistic / 2
    if at <= 0 or freedom <= 0:
        return 1.0
    front = math.exp(-at + shape * math.log(at) - math.lgamma(shape))
    if at < shape + 1:
        term = total = 1 / shape
        step = shape
        while term > total * 1e-17:
            step += 1
            term *= at / step
            total += term
        return max(0.0, 1 - total * front)
    tiny = 1e-300
    b = at + 1 - shape
    c, d = 1 / tiny, 1 / b
    fraction = d
    for i in range(1, 10000):
        a = -i * (i - shape)
        b += 2
        d = 1 / (a * d + b or tiny)
        c = b + a / c or tiny
        fraction *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return front * fraction


def kolmogorov(distance: float, first: int, second: int) -> float:
    """Give the probability that two samples of one distribution lie at least `distance` apart (KS), for large samples.

    The limit distribution of Kolmogorov: 2 * sum of (-1)**(k-1) * exp(-2 * k**2 * x**2), and below x = 1 its Jacobi
    form, which converges where the first does not. Source: Smirnov, Annals of Mathematical Statistics 19 (1948), 279.
    """
    if not first or not second:
        return 1.0
    x = distance * math.sqrt(first * second / (first + second))
    if x < 0.05:
        return 1.0
    if x < 1:
        jacobi = math.fsum(math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * x * x)) for k in range(1, 8))
        return 1 - math.sqrt(2 * math.pi) / x * jacobi
    return 2 * math.fsum((-1.0) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 12))


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Give the 95 percent interval of a share: Wilson, Journal of the American Statistical Association 22 (1927)."""
    if not trials:
        return 0.0, 1.0
    share, z = successes / trials, CONFIDENT
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)
