"""Keys of random draws: seeded, fresh, apart in forked children."""

import os
import threading

import hotloop
from hotloop.entry import key


def draws(n):
    return [int(key.fresh()) for _ in range(n)]


def test_seeds_reproduce():
    hotloop.seed(1)
    first = draws(3)
    hotloop.seed(2)
    assert not set(draws(3)) & set(first)
    hotloop.seed(1)
    assert draws(3) == first
    hotloop.seed()
    assert not set(draws(3)) & set(first)


def test_published_values():
    """The outputs of SplitMix64 from the state 1234567 (Vigna's splitmix64.c)."""
    state, wanted = 1234567, [6457827717110365317, 3203168211198807973, 9817491932198370423]
    got = [key.mix(state + (k + 1) * key.GOLDEN) for k in range(3)]
    assert got == wanted


def test_no_key_is_given_twice_to_threads():
    found = []
    threads = [threading.Thread(target=lambda: found.extend(draws(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8000


def test_a_forked_child_draws_its_own():
    hotloop.seed(5)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, str(draws(1)[0]).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    child = int(os.read(read, 100))
    os.close(read)
    os.close(write)
    mine = draws(3)
    assert child not in mine
    hotloop.seed(5)
    assert draws(3) == mine
