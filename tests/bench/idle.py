#!/usr/bin/env python3
"""How soon after its start a gateway answers, and what it weighs when it has nothing to do: postern with the demo's
configuration beside Caddy and nginx, which answer with a line. All with TLS on loopback and one certificate, asked by one
client, in rounds that alternate; the table shows the least and the median of them, and each median by that of postern.

    cargo build --release -p postern
    tests/bench/idle.py target/release/postern [--caddy FILE] [--nginx FILE] [--rounds 15]

Each server is a process of its own, in a directory that goes when this ends. A start is the time from before the process
is made to the last byte of a 200 that came over TLS. `cold` is a postern that has compiled no filter yet; `first` is its
very first start, which makes a certificate authority too. Memory is that of all processes of a server: resident, and
proportional (shared pages divided among those who share them), after two seconds without a request. Linux only.
"""
import argparse
import os
import pathlib
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

HANDSHAKE = "/whatsapp?hub.mode=subscribe&hub.challenge=42&hub.verify_token=postern-dev"
PATIENCE = 60.0
SETTLED = 2.0

CADDYFILE = """{{
    admin off
    auto_https off
}}
https://localhost:{port} {{
    bind 127.0.0.1
    tls {certificate} {key}
    respond "42" 200
}}
"""

NGINX = """daemon off;
user root;
worker_processes auto;
pid {home}/nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{ return 200 "42"; }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One that can be started again and again on what it left."""

    def __init__(self, name, home, target):
        self.name, self.home, self.target = name, home, target
        self.starts, self.resident, self.proportional = [], [], []

    def prepare(self):
        """Makes what a start of this kind begins with."""

    def command(self, port):
        raise NotImplementedError

    def environment(self):
        return {**os.environ, "HOME": str(self.home), "XDG_DATA_HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home)}

    def once(self, context, weigh):
        self.prepare()
        port = free_port()
        command = self.command(port)
        with open(self.home / "log", "w") as log:
            begun = time.monotonic()
            process = subprocess.Popen(command, cwd=self.home, env=self.environment(), stdout=log, stderr=log)
            try:
                self.starts.append(answered(process, port, self.target, context, self) - begun)
                if weigh:
                    time.sleep(SETTLED)
                    resident, proportional = weight(process.pid)
                    self.resident.append(resident)
                    self.proportional.append(proportional)
            finally:
                process.terminate()
                process.wait(PATIENCE)


class Postern(Server):
    """`forget`: what of its data is gone before each start."""

    def __init__(self, name, home, program, forget):
        super().__init__(name, home, HANDSHAKE)
        self.program, self.forget = program, forget

    def prepare(self):
        for name in self.forget:
            shutil.rmtree(self.home / "postern-data" / name, ignore_errors=True)

    def command(self, port):
        return [self.program, "run", "--dev", "--listen", f"127.0.0.1:{port}"]

    def environment(self):
        return {**super().environment(), "POSTERN_ADMIN__LISTEN": "127.0.0.1:0"}


class Other(Server):
    def __init__(self, name, home, program, template, arguments, identity):
        super().__init__(name, home, "/")
        self.program, self.template, self.arguments, self.identity = program, template, arguments, identity

    def command(self, port):
        certificate, key = self.identity
        config = self.home / "config"
        config.write_text(self.template.format(home=self.home, port=port, certificate=certificate, key=key))
        return [self.program, *(argument.format(home=self.home, config=config) for argument in self.arguments)]


def answered(process, port, target, context, server):
    """When the last byte of a 200 had come."""
    request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"{server.name} ended with {process.returncode}:\n{(server.home / 'log').read_text()}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as tcp:
                with context.wrap_socket(tcp, server_hostname="localhost") as tls:
                    tls.sendall(request)
                    answer = b""
                    while piece := tls.recv(4096):
                        answer += piece
        except OSError:
            time.sleep(0.0005)
            continue
        if answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"42"):
            return time.monotonic()
    sys.exit(f"{server.name} gave no 200 within {PATIENCE} s:\n{(server.home / 'log').read_text()}")


def weight(root):
    """Resident and proportional memory of a process and its children, in MiB."""
    found, resident, proportional = [root], 0, 0
    for process in found:
        children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text()
        found += [int(child) for child in children.split()]
        for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            key, *rest = line.split()
            if key == "Rss:":
                resident += int(rest[0])
            elif key == "Pss:":
                proportional += int(rest[0])
    return resident / 1024, proportional / 1024


def table(servers):
    base = servers[0]
    print(f"{'':16} {'start, ms':>22} {'':>8} {'resident':>10} {'proportional, MiB':>18}")
    print(f"{'':16} {'least':>10} {'median':>11} {'by it':>8} {'MiB':>10} {'':>10} {'by it':>7}")
    for server in servers:
        least, median = 1000 * min(server.starts), 1000 * statistics.median(server.starts)
        ratio = median / (1000 * statistics.median(base.starts))
        resident, proportional = statistics.median(server.resident), statistics.median(server.proportional)
        by = proportional / statistics.median(base.proportional)
        print(
            f"{server.name:16} {least:10.1f} {median:11.1f} {ratio:8.2f} {resident:10.1f} {proportional:10.1f} {by:7.2f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("postern")
    parser.add_argument("--caddy", default=shutil.which("caddy"))
    parser.add_argument("--nginx", default=shutil.which("nginx") or shutil.which("/usr/sbin/nginx"))
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.postern).resolve())
    print(f"{program}: {os.path.getsize(program) / 1e6:.1f} MB, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="postern-idle-") as top:
        def home(name):
            path = pathlib.Path(top) / name
            path.mkdir()
            return path

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        warm = Postern("postern", home("warm"), program, [])
        # What the others get: the certificate that it made for itself.
        warm.once(context, weigh=False)
        warm.starts.clear()
        tls = warm.home / "postern-data" / "tls"
        identity = (tls / "localhost.pem", tls / "localhost-key.pem")
        servers = [
            warm,
            Postern("postern, cold", home("cold"), program, ["journal", "compiled"]),
            Postern("postern, first", home("first"), program, ["journal", "compiled", "tls"]),
        ]
        if arguments.caddy:
            run = ["run", "--adapter", "caddyfile", "--config", "{config}"]
            servers.append(Other("caddy", home("caddy"), arguments.caddy, CADDYFILE, run, identity))
        if arguments.nginx:
            run = ["-p", "{home}", "-c", "{config}"]
            servers.append(Other("nginx", home("nginx"), arguments.nginx, NGINX, run, identity))
        # A program that was just built or unpacked comes from the disk the first time.
        for number in range(arguments.rounds + 1):
            for server in servers:
                server.once(context, weigh=number in (1, 2, 3))
        for server in servers:
            server.starts.pop(0)
        print(f"{arguments.rounds} rounds")
        table(servers)


if __name__ == "__main__":
    main()
