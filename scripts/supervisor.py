"""A supervisor of a script's own, and the load driver: what the demo and the benches share."""
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, "build", "bin")
LOAD = os.path.join(ROOT, "build", "release", "bench", "bench-load")
EXAMPLES = os.path.join(ROOT, "docs", "examples")


class Server:
    """A supervisor of our own, from its start to its clean end."""

    def __init__(self, listen, policy, listener=None):
        """`listener`: a socket that it is passed as a service manager does; `listen` is "systemd" then."""
        # A script that is told to stop unwinds, so that stop() is called as after anything else.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        # Below /var/tmp, because the supervisor gives up root and must still be able to enter its directory.
        self.state = tempfile.mkdtemp(prefix="nightjar-script-", dir="/var/tmp")
        self.group = f"nightjar-script-{os.getpid()}"
        self.log_path = os.path.join(self.state + ".log")
        self.log = open(self.log_path, "w+")
        self.listener = listener
        self.command = [os.path.join(BIN, "nightjar"), "serve", "--state", self.state, "--listen", listen, "--policy", policy, "--cgroup", self.group]
        self.start()
        self.address = self.wait_until_ready()
        self.port = self.address.rsplit(":", 1)[1]

    def start(self):
        """Once more after its end, on the same state; nobody is waited for."""
        def pass_on():
            os.dup2(self.listener.fileno(), 3)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))

        passing = {"preexec_fn": pass_on, "pass_fds": (3,)} if self.listener else {}
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, **passing)

    def wait_until_ready(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with open(self.log_path) as log:
                for line in log:
                    if "event=ready" in line:
                        return dict(f.split("=", 1) for f in line.split() if "=" in f)["listen"]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        with open(self.log_path) as log:
            sys.exit("the supervisor did not start:\n" + log.read())

    def nightjar(self, *arguments):
        done = subprocess.run([os.path.join(BIN, "nightjar"), *arguments, "--state", self.state],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"nightjar {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *arguments):
        return json.loads(self.nightjar(*arguments, "--json"))

    def control(self, method, path):
        """One request to the control plane, without a command line's start in between."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(os.path.join(self.state, "control.sock"))
        connection.request(method, path)
        return json.loads(connection.getresponse().read())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.log.close()
        if status != 0:
            with open(self.log_path) as log:
                print(log.read()[-4000:])
        self.remove_what_is_left()
        return status

    def bury(self):
        """After a crash that was meant: the helpers end by themselves, the groups do not."""
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.remove_what_is_left()

    def remove_what_is_left(self):
        # The supervisor has no right to remove its own top group; whoever chose its name has.
        deadline = time.monotonic() + 20
        for base in glob.glob(f"/sys/fs/cgroup/{self.group}") + glob.glob(f"/sys/fs/cgroup/*/{self.group}"):
            for directory, _, _ in os.walk(base, topdown=False):
                # A helper may be on its way out.
                while True:
                    try:
                        os.rmdir(directory)
                        break
                    except OSError:
                        if time.monotonic() > deadline:
                            raise
                        time.sleep(0.01)
        # A supervisor that was killed leaves its ledger of runs to the next one.
        name = os.path.join(self.state, "ledger")
        if os.path.exists(name):
            with open(name) as ledger:
                for left in glob.glob("/dev/shm/nightjar-runs-" + ledger.read()):
                    os.unlink(left)
        shutil.rmtree(self.state, ignore_errors=True)
        os.unlink(self.log_path)


def load_command(server, canvas, path, *more):
    return [LOAD, "--port", server.port, "--host", f"{canvas}.localhost", "--path", path, "--seconds", "120", *more]


def paced_command(server, canvas, path, requests, pace_ms):
    """One client that asks, waits for its answer, pauses, and asks again. A real-time process before all others: it stands for one
    on a machine of its own, and would measure its own wait for a processor too."""
    return ["chrt", "--fifo", "50", *load_command(server, canvas, path, "--requests", str(requests), "--connections", "1", "--pace-ms", str(pace_ms))]


def figures_of(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the load driver failed: {done.stderr}")
    return json.loads(done.stdout)


def load(server, canvas, path, requests, connections):
    return figures_of(load_command(server, canvas, path, "--requests", str(requests), "--connections", str(connections)))


def paced_load(server, canvas, path, requests, pace_ms):
    return figures_of(paced_command(server, canvas, path, requests, pace_ms))
