"""RSA keys that anybody can break with a pocket calculator's patience; cheap checks only."""

from __future__ import annotations

import functools
import math

from cryptography.hazmat.primitives.asymmetric import rsa

from aggportal.pki.errors import WeakKey
from aggportal.pki.keys import PublicKey
from aggportal.words import gettext_noop as _n

# Fermat's method ends after so many steps when both primes share about half of their leading bits;
# honest primes need more steps than there are atoms.
_FERMAT_STEPS = 100
_SIEVE = 2000
_PRIMES = tuple(n for n in range(2, _SIEVE) if all(n % d for d in range(2, math.isqrt(n) + 1)))
_SMALL_PRIMES = math.prod(_PRIMES)
# Infineon's primes are k·M + (65537^a mod M), M the product of at least so many first primes for
# every size that we accept (Nemec and others, "The Return of Coppersmith's Attack", 2017, table 1).
_ROCA_PRIMES = _PRIMES[1:126]


def require_strong_key(key: PublicKey, *, field: str = "key") -> PublicKey:
    """Refuse an RSA modulus with a small factor, with primes close to each other (Fermat, 1643;
    CVE-2022-26320) or of Infineon's making (ROCA, CVE-2017-15361). Raises `WeakKey`; returns the
    key.
    """
    if not isinstance(key, rsa.RSAPublicKey):
        return key
    modulus = key.public_numbers().n
    if math.gcd(modulus, _SMALL_PRIMES) != 1:
        raise WeakKey(
            _n(
                "This RSA key can be broken at once: its modulus has a small factor. Make a new "
                "key, with another program."
            ),
            field=field,
        )
    if _has_close_primes(modulus):
        raise WeakKey(
            _n(
                "This RSA key can be broken at once: its two primes lie close to each other "
                "(Fermat's method). Make a new key, with another program."
            ),
            field=field,
        )
    if _is_infineons(modulus):
        raise WeakKey(
            _n(
                "This RSA key can be broken: a chip or smart card with a known fault made it "
                "(ROCA, CVE-2017-15361). Make a new key, with another program."
            ),
            field=field,
        )
    return key


def _has_close_primes(modulus: int) -> bool:
    """Look for a, b with modulus = a² - b², a just above the root."""
    root = math.isqrt(modulus)
    a = root if root * root == modulus else root + 1
    for _ in range(_FERMAT_STEPS):
        square = a * a - modulus
        if math.isqrt(square) ** 2 == square:
            return True
        a += 1
    return False


def _is_infineons(modulus: int) -> bool:
    """Tell whether the modulus is a power of 65537 modulo every prime; chance alone would do that
    once in 2^167 keys.
    """
    return all(modulus % prime in powers for prime, powers in _roca_powers().items())


@functools.cache
def _roca_powers() -> dict[int, frozenset[int]]:
    return {
        prime: frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))
        for prime in _ROCA_PRIMES
    }
