# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the connections of a listening socket on to a port of the network namespace it runs in.

Usage: ``relay.py SOCKET PORT``. adbd listens on all addresses, so it gets a network without any but 127.0.0.1; SOCKET,
an open file descriptor, was made outside.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import socket
import struct
import sys
import threading

SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, array.array("B", struct.pack("16sh14x", b"lo", IFF_UP)))


def occupy_vsock(port: int) -> socket.socket | None:
    """adbd listens there too, and sockets of virtual machines have no namespaces."""
    try:
        taken = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        taken.bind((socket.VMADDR_CID_ANY, port))
    except OSError:
        return None  # there is no such thing here, or another device of the tests has the port
    return taken


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass  # one end has gone; the other one is told below
    finally:
        for end in (source, target):
            with contextlib.suppress(OSError):  # of the one that had gone
                end.shutdown(socket.SHUT_RDWR)


def serve(listener: socket.socket, port: int) -> None:
    while True:
        outside, _address = listener.accept()
        try:
            inside = socket.create_connection(("127.0.0.1", port), timeout=1)
        except OSError:
            outside.close()  # adbd is down
            continue
        inside.settimeout(None)
        for ends in ((outside, inside), (inside, outside)):
            threading.Thread(target=copy, args=ends, daemon=True).start()


if __name__ == "__main__":
    bring_up_loopback()
    kept = occupy_vsock(int(sys.argv[2]))
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
