"""Runs inside the virtual machine, as root: Nightjar's package under systemd, on pure control groups v2.

Each check prints one line, "PASS name" or "FAIL name: why"; a suite of GoogleTest prints one for each of its tests. Nothing sleeps: a check
waits for a fact, for at most its patience, because an emulated processor is ten times slower than a real one.
"""
import glob
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "shipment.json")) as shipment_file:
    SHIPMENT = json.load(shipment_file)
PORT = 8080
UNIT = "nightjard.service"
GROUP = "/sys/fs/cgroup/nightjar.slice/nightjard.service"
STATE = "/var/lib/nightjar"
POLICY = "/etc/nightjar/policy.toml"
# A run at a limit of memory or depth must not meet one of time first, however slow the machine: only "spinner" has a short one.
LIMITS = """[default]
wall = "120s"
cpu = "60s"
[canvas.runaways]
memory = "48MiB"
output = "1MiB"
depth = 500
[canvas.spinner]
memory = "40MiB"
pids = 7
cpu = "400ms"
canvas_cpus = 0.6
[canvas.patient]
cpu = "8s"
[canvas.tools]
exec = true
pids = 16
"""
TOOLS = """[exec-handler GET /root]
/bin/sh -c 'id -u; ls /; cat /proc/self/cgroup; echo x > /usr/x || echo refused'
[exec-handler GET /memory]
/usr/bin/tail /dev/zero
[exec-handler GET /processes]
/bin/sh -c 'f() { f | f & f; }; f'
[exec-handler GET /way-out]
/usr/bin/unshare -U /bin/true
"""
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


TALKS = threading.Lock()


def say(line):
    with TALKS:
        print(line, flush=True)


def say_that_it_lives():
    """To whoever watches the machine from outside (tests/vm/run), whatever a check waits for."""
    while True:
        say("ALIVE")
        time.sleep(5)


def eventually(fact, what, patience=60):
    """What `fact` returns once it is true; a failure of this check if it never is."""
    deadline = time.monotonic() + patience
    while True:
        found = fact()
        if found:
            return found
        assert time.monotonic() < deadline, f"not in {patience} s: {what}"
        time.sleep(0.05)


def run(*words, check=True, patience=120):
    done = subprocess.run(words, capture_output=True, text=True, timeout=patience)
    assert not check or done.returncode == 0, f"{' '.join(words)} exited with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def nightjar(*words):
    return json.loads(run("nightjar", *words, "--json"))


def show(name, unit=UNIT):
    return run("systemctl", "show", "--value", "-p", name, unit).strip()


def is_active(unit=UNIT):
    return show("ActiveState", unit) == "active"


def get(canvas, path, patience=60, port=PORT):
    """Status, headers, body; None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("GET", path, headers={"Host": f"{canvas}.localhost"})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
    except OSError:
        return None
    finally:
        connection.close()


def begin(canvas, path, patience=120):
    """A request that is on its way: a socket to read the answer from."""
    client = socket.create_connection(("127.0.0.1", PORT), timeout=patience)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {canvas}.localhost\r\nConnection: close\r\n\r\n".encode())
    return client


def finish(client):
    with client:
        text = b""
        while chunk := client.recv(65536):
            text += chunk
    return text.decode()


def running():
    """Whether a run goes on: asked of the control socket itself, as a program's start takes longer than some runs."""
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    with connection.sock:
        connection.sock.connect(f"{STATE}/control.sock")
        connection.request("GET", "/runs")
        runs = json.loads(connection.getresponse().read()).get("runs", [])
    return any(one["state"] == "running" for one in runs)


def members(pattern):
    pids = set()
    for path in glob.glob(pattern, recursive=True):
        try:
            with open(path) as procs:
                pids.update(int(line) for line in procs)
        except OSError:
            pass  # a cell may go at any time
    return pids


def workers():
    return members(f"{GROUP}/nightjar/canvas-*/**/cgroup.procs")


def alive(pid):
    return os.path.exists(f"/proc/{pid}")


def content(path):
    with open(path) as file:
        return file.read()


def write_policy(text):
    with open(POLICY, "w") as policy:
        policy.write(text)


@check
def the_host_has_control_groups_v2_alone():
    mounts = [line.split() for line in content("/proc/self/mounts").splitlines()]
    assert [m[1] for m in mounts if m[2] == "cgroup2"] == ["/sys/fs/cgroup"], mounts
    assert not [m for m in mounts if m[2] == "cgroup"], mounts
    assert {"memory", "pids", "cpu"} <= set(content("/sys/fs/cgroup/cgroup.controllers").split())


@check
def the_package_installs_and_the_service_starts():
    run("dpkg", "-i", SHIPMENT["package"])
    eventually(is_active, "nightjard.service is active")
    assert is_active("nightjar.socket")
    assert show("StatusText").startswith("serving 0 canvases at 127.0.0.1:8080"), show("StatusText")
    assert run("systemctl", "is-enabled", UNIT, "nightjar.socket").split() == ["enabled", "enabled"]


@check
def doctor_finds_everything_enforced():
    answer = nightjar("doctor")
    states = {c["name"]: (c["state"], c["found"]) for c in answer["checks"]}
    assert answer["can_serve"], states
    for name in ("memory", "pids", "cpu", "io"):
        assert states[name] == ("DOCTOR_OK", "in the unified tree"), states[name]
    bad = {name: state for name, state in states.items() if state[0] != "DOCTOR_OK"}
    assert not bad, bad


@check
def the_services_processes_are_in_a_leaf_and_have_no_privilege():
    main = int(show("MainPID"))
    assert content(f"/proc/{main}/cgroup").strip() == "0::/nightjar.slice/nightjard.service/supervisor"
    status = dict(line.split(":\t", 1) for line in content(f"/proc/{main}/status").splitlines() if ":\t" in line)
    assert status["Uid"].split()[0] != "0" and int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1", status
    assert members(f"{GROUP}/cgroup.procs") == set()
    assert {"memory", "pids", "cpu"} <= set(content(f"{GROUP}/cgroup.subtree_control").split())


@check
def a_canvas_is_deployed_and_serves():
    run("nightjar", "deploy", "api", f"{SHIPMENT['examples']}/api.dark")
    status, headers, body = get("api", "/fib/4")
    assert status == 200 and '"fib": 3' in body.replace('":3', '": 3'), (status, body)
    trace = headers["x-nightjar-trace"]
    eventually(lambda: "fib(4) = 3" in run("nightjar", "trace", "api", trace, check=False), "the trace shows the calls")


@check
def a_reload_takes_a_policy_and_says_when_it_does_not():
    write_policy(LIMITS.replace("[default]", "[default]\nwhatever = 3"))
    run("systemctl", "reload", UNIT)
    eventually(lambda: "the new policy was rejected" in show("StatusText"), "the status says that it was rejected")
    write_policy(LIMITS)
    run("systemctl", "reload", UNIT)
    eventually(lambda: "rejected" not in show("StatusText"), "the status is plain again")
    assert is_active()
    assert "policy.toml" in run("nightjar", "limits", "api")


@check
def runaways_are_killed_with_their_verdicts():
    for canvas in ("runaways", "spinner", "patient"):
        run("nightjar", "deploy", canvas, f"{SHIPMENT['examples']}/runaways.dark")
    for canvas, path, verdict in (("runaways", "/recursion", "call_depth"), ("runaways", "/list", "memory"), ("runaways", "/string", "memory"),
                                  ("runaways", "/output", "output"), ("spinner", "/spin", "cpu_time")):
        status, headers, body = get(canvas, path, patience=150)
        assert status >= 500 and headers.get("x-nightjar-verdict") == verdict, (path, status, headers, body)
        incident = headers["x-nightjar-trace"]
        eventually(lambda: incident in json.dumps(nightjar("incidents", canvas)), f"the incident of {path} is listed")
        eventually(lambda: path in run("nightjar", "trace", canvas, incident, check=False), f"the trace of {path} is kept")
    assert get("runaways", "/fine")[0] == 200
    assert is_active() and show("NRestarts") == "0"


@check
def programs_of_the_host_run_behind_the_walls():
    with open("/root/tools.dark", "w") as canvas:
        canvas.write(TOOLS)
    run("nightjar", "deploy", "tools", "/root/tools.dark")
    status, _, body = get("tools", "/root")
    lines = body.split()
    assert status == 200 and int(lines[0]) > 100_000, (status, body)
    assert "app" in lines and "root" not in lines and "0::/" in lines and lines[-1] == "refused", body
    for path, verdict in (("/memory", "memory"), ("/processes", "pids"), ("/way-out", "denied_syscall")):
        status, headers, body = get("tools", path, patience=150)
        assert status == 500 and headers.get("x-nightjar-verdict") == verdict, (path, status, headers, body)
    incident = run("nightjar", "incident", headers["x-nightjar-trace"])
    assert "unshare(flags 0x10000000)" in incident, incident


@check
def the_kernels_limits_stand_in_the_cells():
    client = begin("spinner", "/spin")
    cell = os.path.dirname(eventually(lambda: [p for p in glob.glob(f"{GROUP}/nightjar/canvas-spinner/*/cgroup.procs") if content(p)],
                                      "a worker of spinner is in its cell")[0])
    assert int(content(f"{cell}/memory.max")) == 40 << 20, content(f"{cell}/memory.max")
    assert int(content(f"{cell}/pids.max")) == 7, content(f"{cell}/pids.max")
    quota, period = content(f"{os.path.dirname(cell)}/cpu.max").split()
    assert abs(int(quota) / int(period) - 0.6) < 0.01, (quota, period)
    finish(client)


@check
def a_connection_waits_through_a_restart():
    before = show("MainPID")
    run("systemctl", "stop", UNIT)
    assert not is_active() and is_active("nightjar.socket")
    assert not os.path.exists(GROUP), "the unit's control group is left"
    client = begin("api", "/fib/4")  # which starts the service, as nobody else did
    assert finish(client).startswith("HTTP/1.1 200 ")
    assert is_active() and show("MainPID") != before
    client = begin("api", "/fib/5")
    run("systemctl", "restart", UNIT)
    assert finish(client).startswith("HTTP/1.1 200 ")


class SteadyClient(threading.Thread):
    """Asks again and again on one connection, and notes what an impatient client would have seen: a status that is not 200, or the connection's end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.answers, self.slowest, self.trouble, self.over = 0, 0, None, False

    def run(self):
        client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        try:
            client.connect()
            connection = client.sock
            while not self.over:
                asked = time.monotonic()
                client.request("GET", "/fib/4", headers={"Host": "api.localhost"})
                answer = client.getresponse()
                body = answer.read()
                self.slowest = max(self.slowest, time.monotonic() - asked)
                # http.client would connect again without a word.
                if answer.status != 200 or client.sock is not connection:
                    self.trouble = f"{answer.status} {answer.getheaders()} {body}"
                    return
                self.answers += 1
        except OSError as error:
            self.trouble = repr(error)
        except http.client.HTTPException as error:
            self.trouble = repr(error)


@check
def clients_do_not_see_a_restart_nor_an_upgrade():
    clients = [SteadyClient() for _ in range(4)]
    for client in clients:
        client.start()
    # The last is what an upgrade does: the package is unpacked over itself, and restarts the service.
    for step in 3 * [("systemctl", "restart", UNIT)] + [("dpkg", "-i", SHIPMENT["package"])]:
        # One a step: an idle connection is given up after a minute, which all of them may take.
        idle = socket.create_connection(("127.0.0.1", PORT), timeout=120)
        before, asked = show("MainPID"), [client.answers for client in clients]
        run(*step)
        assert show("MainPID") != before, step
        eventually(lambda: all(client.trouble or client.answers > had + 2 for client, had in zip(clients, asked)), "the clients are served")
        idle.sendall(b"GET /fib/4 HTTP/1.1\r\nHost: api.localhost\r\nConnection: close\r\n\r\n")
        text = finish(idle)
        assert text.startswith("HTTP/1.1 200 "), (step, text)
    run("systemctl", "reload", UNIT)
    for client in clients:
        client.over = True
        client.join()
        assert not client.trouble, (client.trouble, client.answers)
    assert show("NFileDescriptorStore") == "0", "the manager still keeps connections that are served"
    say(f"    {sum(client.answers for client in clients)} answers, the slowest in {max(client.slowest for client in clients):.1f} s")


@check
def a_stop_lets_a_run_in_flight_finish():
    # As an operator does it; and longer than the unit's TimeoutStopSec, so that the supervisor has to ask for more: before that is over, on a machine
    # that may be slow.
    started = re.search("^ExecStart=(.*)$", content("/lib/systemd/system/nightjard.service"), re.M).group(1)
    os.makedirs(f"/etc/systemd/system/{UNIT}.d")
    with open(f"/etc/systemd/system/{UNIT}.d/drain.conf", "w") as drop_in:
        drop_in.write(f"[Service]\nExecStart=\nExecStart={started} --drain 100\nTimeoutStopSec=5\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", UNIT)
    client = begin("patient", "/spin")
    eventually(running, "the run goes on")
    run("systemctl", "stop", "nightjar.socket", UNIT)
    text = finish(client)
    assert "x-nightjar-verdict: cpu_time" in text, text  # its own limit, not the stop
    assert show("Result") == "success", show("Result")
    run("systemctl", "start", "nightjar.socket", UNIT)
    assert get("api", "/fib/4")[0] == 200


def cut_off_runs():
    return sum(one["verdict"] == "VERDICT_SUPERVISOR_LOST" for one in nightjar("traces", "patient").get("traces", []))


def cut_off_while_a_run_goes_on(signal_number, result):
    client = begin("patient", "/spin")
    eventually(running, "the run goes on")
    restarts, cut_off = int(show("NRestarts")), cut_off_runs()
    main = int(show("MainPID"))
    before = members(f"{GROUP}/**/cgroup.procs")
    assert workers() and main in before
    os.kill(main, signal_number)
    eventually(lambda: int(show("NRestarts")) == restarts + 1 and is_active(), "systemd started it anew", patience=120)
    eventually(lambda: not [pid for pid in before if alive(pid)], "no process of the one before is left")
    assert finish(client) == "", "half an answer"
    assert get("api", "/fib/4")[0] == 200
    eventually(lambda: cut_off_runs() == cut_off + 1, "the run that was cut off is accounted for")
    assert result in run("journalctl", "-u", UNIT, "-o", "cat", "--no-pager"), f"the journal does not say {result}"


@check
def a_supervisor_that_is_killed_leaves_no_worker_and_serves_again():
    cut_off_while_a_run_goes_on(signal.SIGKILL, "Failed with result 'signal'")


@check
def a_supervisor_that_is_stuck_is_started_anew_by_the_watchdog():
    cut_off_while_a_run_goes_on(signal.SIGSTOP, "Failed with result 'watchdog'")


@check
def an_ordinary_user_starts_it_in_what_systemd_delegates():
    run("useradd", "--create-home", "--add-subids-for-system", "app")
    state, unit = "/var/tmp/nightjar-app", "nightjar-app.service"
    run("systemd-run", f"--unit={unit}", "--uid=app", "--service-type=notify", "--property=Delegate=cpu io memory pids", "/usr/libexec/nightjar/nightjard",
        "--state", state, "--listen", "127.0.0.1:8090", "--policy", POLICY)
    as_app = ("runuser", "-u", "app", "--", "nightjar")
    group = "/sys/fs/cgroup/system.slice/" + unit
    main = int(show("MainPID", unit))
    assert content(f"/proc/{main}/cgroup").strip() == f"0::/system.slice/{unit}/supervisor"
    states = {c["name"]: (c["state"], c["found"]) for c in json.loads(run(*as_app, "doctor", "--json", "--state", state))["checks"]}
    assert re.fullmatch("as root of a user namespace of uid [0-9]+", states["start"][1]), states
    for name in ("memory", "pids", "cpu", "io"):
        assert states[name] == ("DOCTOR_OK", "in the unified tree"), states[name]
    run(*as_app, "deploy", "runaways", f"{SHIPMENT['examples']}/runaways.dark", "--state", state)
    with open("/var/tmp/tools.dark", "w") as canvas:
        canvas.write(TOOLS)
    run(*as_app, "deploy", "tools", "/var/tmp/tools.dark", "--state", state)
    for canvas, path, verdict in (("runaways", "/list", "memory"), ("tools", "/memory", "memory"), ("tools", "/processes", "pids"),
                                  ("tools", "/way-out", "denied_syscall")):
        status, headers, body = get(canvas, path, patience=150, port=8090)
        assert status >= 500 and headers.get("x-nightjar-verdict") == verdict, (path, status, headers, body)
    for pid in members(f"{group}/**/cgroup.procs"):
        uids = re.search("^Uid:\\s(.*)$", content(f"/proc/{pid}/status"), re.M).group(1).split()
        assert "0" not in uids, f"{content(f'/proc/{pid}/comm')} is root of the host"
    run("systemctl", "stop", unit)
    assert not os.path.exists(group), "the unit's control group is left"


@check
def nobody_complained():
    complaints = run("systemd-analyze", "verify", UNIT, "nightjar.socket", "nightjar.slice", check=False)
    assert complaints == "", complaints
    warnings = run("journalctl", "-b", "-o", "cat", "--no-pager", "_PID=1", "-p", "warning")
    ours = [line for line in warnings.splitlines() if "nightjar" in line and "Failed with result" not in line and "killed" not in line.lower()
            and "Watchdog timeout" not in line]
    assert not ours, ours
    log = run("journalctl", "-u", UNIT, "-o", "cat", "--no-pager")
    lost = [line for line in log.splitlines() if "event=trace_lost" in line or "event=row" in line or "event=service_manager_deaf" in line
            or "event=clocks_of_the_host" in line or "event=not_enforced" in line]
    assert not lost, lost


@check
def removing_leaves_the_state_and_purging_does_not():
    run("dpkg", "--remove", "nightjar")
    assert not is_active() and not is_active("nightjar.socket")
    assert os.path.exists(f"{STATE}/store") and os.path.exists(POLICY)
    assert not os.path.exists("/usr/bin/nightjar")
    run("dpkg", "--install", SHIPMENT["package"])
    eventually(is_active, "it serves again after it was installed again")
    assert get("api", "/fib/4")[0] == 200
    run("dpkg", "--purge", "nightjar")
    for path in (STATE, "/etc/nightjar", "/usr/libexec/nightjar", "/lib/systemd/system/nightjard.service", GROUP):
        assert not os.path.exists(path), f"{path} is left"


def run_suite(program, tests):
    """Some tests of one GoogleTest program, a line each as they end; a program that dies or hangs is a failure of its own."""
    name = os.path.basename(program)
    ended = re.compile(r"\[ +(OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*)? \((\d+) ms\)$")
    words = {"OK": "PASS", "FAILED": "FAIL", "SKIPPED": "SKIP"}
    failed, told = 0, []
    with subprocess.Popen([program, f"--gtest_filter={tests}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        guard = threading.Timer(SHIPMENT["suite_seconds"], process.kill)
        guard.start()
        for line in process.stdout:
            match = ended.match(line.rstrip())
            if not match:
                told = [] if line.startswith("[ RUN ") else told + [line.rstrip()]
                continue
            what, test, time_ms = match.groups()
            why = ": " + " | ".join(told)[:1500] if what == "FAILED" else ""
            say(f"{words[what]} {name} {test}  ({int(time_ms) / 1000:.1f} s){why}")
            failed += what == "FAILED"
        guard.cancel()
    if process.returncode != 0 and failed == 0:
        say(f"FAIL {name}: ended with {process.returncode}: " + " | ".join(told)[-1500:])


def main():
    threading.Thread(target=say_that_it_lives, daemon=True).start()
    for one in CHECKS:
        started, journal_from = time.monotonic(), time.time()
        try:
            one()
            say(f"PASS {one.__name__}  ({time.monotonic() - started:.1f} s)")
        except Exception as error:  # a check's failure must not keep the others from being told
            where = traceback.extract_tb(error.__traceback__)[-1]
            say(f"FAIL {one.__name__}: {type(error).__name__} {error} (line {where.lineno})".replace("\n", " | ")[:1500])
            journal = run("journalctl", "-u", UNIT, f"--since=@{journal_from:.6f}", "-n", "30", "-o", "short-monotonic", "--no-pager", check=False)
            for line in journal.splitlines():
                say("    " + line)
    for program, tests in SHIPMENT["suites"].items():
        run_suite(program, tests)
    say("DONE")


main()
