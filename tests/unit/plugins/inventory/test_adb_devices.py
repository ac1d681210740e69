# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The inventory plugin, from its file to hosts, with an adb that says what it is told. tests/adb has the real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.devfleet.uid_mem.plugins.doc_fragments import adb as adb_fragment
from ansible_collections.devfleet.uid_mem.plugins.inventory import adb_devices
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._adb import AdbClient, AdbTimeoutError
from ansible_collections.devfleet.uid_mem.tests.unit.fake_adb import FakeAdb
from ansible_collections.devfleet.uid_mem.tests.unit.loading import load

PIXEL = "0A1B2C  device usb:1-2 product:oriole model:Pixel_6 device:oriole transport_id:3"
BOARD = "192.0.2.7:5555  device product:evk model:EVK device:evk transport_id:4"


@pytest.fixture
def fake(tmp_path: Path) -> FakeAdb:
    adb = FakeAdb(tmp_path / "adb")
    adb.devices(PIXEL, BOARD, "DEF  unauthorized usb:1-3 transport_id:5")
    return adb


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(adb_devices.InventoryModule().display, "warning", told.append)
    return told


def parse(fake: FakeAdb, **options: Any) -> InventoryData:
    """What a file with these options becomes."""
    config = {"plugin": "devfleet.uid_mem.adb_devices", "strict": True, "executable": str(fake.program), **options}
    path = fake.place / "x.adb_devices.yml"
    path.write_text(yaml.safe_dump(config))
    inventory: Any = InventoryData
    data = inventory()
    loader: Any = DataLoader
    plugin = load(adb_devices.InventoryModule(), adb_devices)
    assert plugin.verify_file(str(path))
    plugin.parse(data, loader(), str(path))
    return data  # type: ignore[no-any-return]


def variables(data: InventoryData, name: str) -> dict[str, Any]:
    host: Any = data.hosts[name]
    return {key: value for key, value in host.vars.items() if not key.startswith("inventory_")}


def test_hosts(fake: FakeAdb) -> None:
    data = parse(fake)
    assert list(data.hosts) == ["0A1B2C", "192.0.2.7_5555"]
    assert variables(data, "0A1B2C") == {
        "ansible_connection": "devfleet.uid_mem.adb",
        "ansible_adb_serial": "0A1B2C",
        "ansible_adb_executable": str(fake.program),
        "adb_serial": "0A1B2C",
        "adb_also": [],
        "adb_state": "device",
        "adb_transport": "usb",
        "adb_usb": "1-2",
        "adb_product": "oriole",
        "adb_model": "Pixel_6",
        "adb_device": "oriole",
        "adb_transport_id": "3",
    }
    board = variables(data, "192.0.2.7_5555")
    assert (board["adb_transport"], board["ansible_adb_serial"]) == ("tcp", "192.0.2.7:5555")


def test_options_of_the_server_are_handed_on(fake: FakeAdb, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[Any, ...]] = []

    class Client(AdbClient):
        def __init__(self, *arguments: Any) -> None:
            called.append(arguments)
            super().__init__(arguments[0])

    monkeypatch.setattr(adb_devices, "AdbClient", Client)
    host = variables(parse(fake, server_host="192.0.2.1", server_port=5038), "0A1B2C")
    assert called == [(str(fake.program), "192.0.2.1", 5038)]
    assert (host["ansible_adb_server_host"], host["ansible_adb_server_port"]) == ("192.0.2.1", 5038)


def test_documented_sources_are_those_there_are() -> None:
    """An inventory plugin reads no variables of hosts, and ansible-inventory has no --timeout."""
    options = yaml.safe_load(adb_fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    assert set(options) >= {"executable", "server_host", "server_port", "connect_timeout"}
    for option in (*options.values(), *yaml.safe_load(adb_devices.DOCUMENTATION)["options"].values()):
        assert not {"vars", "cli", "keyword"} & set(option)


def test_other_states(fake: FakeAdb) -> None:
    assert list(parse(fake, states=["unauthorized"]).hosts) == ["DEF"]


def test_no_devices(fake: FakeAdb) -> None:
    fake.devices()
    assert list(parse(fake).hosts) == []


def test_hostnames(fake: FakeAdb) -> None:
    data = parse(fake, hostnames=["adb_usb", "adb_model | lower"])
    assert list(data.hosts) == ["1-2", "evk"]


def test_no_name(fake: FakeAdb) -> None:
    with pytest.raises(AnsibleParserError, match=r"No expression of hostnames gives the device 0A1B2C a name\."):
        parse(fake, hostnames=["''", "adb_none"])


def test_same_name(fake: FakeAdb, warnings: list[str]) -> None:
    """Both get a name that does not depend on which of them is listed first."""
    assert list(parse(fake, hostnames=["adb_state"]).hosts) == ["device_0A1B2C", "device_192.0.2.7_5555"]
    assert warnings == ["2 devices would have the name device. They are device_0A1B2C, device_192.0.2.7_5555."]


# --- one device, one host

SAME = "product:oriole model:Pixel_6 device:oriole"
MDNS = "adb-0A1B2C-x1Y2z3._adb-tls-connect._tcp"


def test_one_phone_by_usb_tcp_and_mdns(fake: FakeAdb) -> None:
    tcp = f"192.0.2.9:5555 device {SAME} transport_id:7"
    other = f"192.0.2.10:5555 device {SAME} transport_id:9"
    fake.devices(f"{MDNS} device {SAME} transport_id:8", tcp, PIXEL, other, BOARD)
    fake.identities(**{MDNS: "a", "192.0.2.9:5555": "a", "0A1B2C": "a", "192.0.2.10:5555": "b"})
    data = parse(fake)
    assert list(data.hosts) == ["0A1B2C", "192.0.2.10_5555", "192.0.2.7_5555"]
    assert variables(data, "0A1B2C")["adb_also"] == [MDNS, "192.0.2.9:5555"]
    # A board of which there is one is not asked.
    assert sum(words[2:3] == ["shell"] for words in fake.calls()) == 4
    assert len(parse(fake, duplicates="keep").hosts) == 5


def test_which_connection_it_is(fake: FakeAdb) -> None:
    """An address that the inventory names goes before others, and these before a name of mDNS."""
    lines = [f"{serial} device {SAME} transport_id:7" for serial in (MDNS, "192.0.2.9:5555", "192.0.2.8:5555")]
    fake.identities(**dict.fromkeys([MDNS, "192.0.2.9:5555", "192.0.2.8:5555"], "a"))
    fake.says("connect", {"out": "already connected to it\n"})
    fake.devices(*lines)
    assert list(parse(fake).hosts) == ["192.0.2.9_5555"]
    assert list(parse(fake, connect=["192.0.2.8"]).hosts) == ["192.0.2.8_5555"]
    fake.devices(lines[0], f"{MDNS}x device {SAME} transport_id:8")
    fake.identities(**{MDNS: "a", f"{MDNS}x": "a"})
    assert len(parse(fake).hosts) == 1


def test_devices_that_do_not_tell_what_they_are(fake: FakeAdb, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay hosts of their own, as those do that hang."""
    fake.devices(PIXEL, f"192.0.2.9:5555 device {SAME} transport_id:7", f"y offline {SAME}")
    assert len(parse(fake, states=["device", "offline"]).hosts) == 3
    run = AdbClient.run

    def run_or_hang(self: AdbClient, *words: str, timeout: float) -> Any:
        if words[2:3] == ("shell",):
            raise AdbTimeoutError("late")
        return run(self, *words, timeout=timeout)

    monkeypatch.setattr(AdbClient, "run", run_or_hang)
    assert len(parse(fake).hosts) == 2


def test_boards_with_the_same_serial(fake: FakeAdb, warnings: list[str]) -> None:
    fake.devices(
        "0123456789ABCDEF device usb:1-2 product:evk model:EVK device:evk transport_id:1",
        "0123456789ABCDEF device usb:1-3 product:evk model:EVK device:evk transport_id:2",
        PIXEL,
    )
    data = parse(fake)
    assert list(data.hosts) == ["0123456789ABCDEF_usb_1-2", "0123456789ABCDEF_usb_1-3", "0A1B2C"]
    assert variables(data, "0123456789ABCDEF_usb_1-3")["ansible_adb_serial"] == "usb:1-3"
    assert variables(data, "0123456789ABCDEF_usb_1-3")["adb_serial"] == "0123456789ABCDEF"
    assert "2 devices have the serial 0123456789ABCDEF. One of them is chosen by its USB port, usb:1-2" in warnings[0]
    assert len(warnings) == 2
    # Its name does not depend on the state of the other one.
    fake.devices(
        "0123456789ABCDEF device usb:1-2 product:evk model:EVK device:evk transport_id:1",
        "0123456789ABCDEF offline usb:1-3 transport_id:2",
    )
    assert list(parse(fake).hosts) == ["0123456789ABCDEF_usb_1-2"]


def test_boards_that_nothing_tells_apart(fake: FakeAdb, warnings: list[str]) -> None:
    fake.devices("X device transport_id:1", "X device transport_id:2", PIXEL)
    assert list(parse(fake).hosts) == ["0A1B2C"]
    told = "A device with the serial X is not in the inventory: another one has the same, and nothing tells them apart."
    assert warnings == [told, told]


def test_constructed(fake: FakeAdb) -> None:
    data = parse(
        fake,
        compose={"where": "'lab ' ~ adb_model"},
        groups={"attached": "adb_transport == 'usb'"},
        keyed_groups=[{"key": "adb_product", "prefix": "product"}],
    )
    assert variables(data, "0A1B2C")["where"] == "lab Pixel_6"
    members = {name: [host.name for host in group.hosts] for name, group in data.groups.items() if group.hosts}
    assert members == {
        "attached": ["0A1B2C"],
        "product_oriole": ["0A1B2C"],
        "product_evk": ["192.0.2.7_5555"],
    }


# --- what a device says is data


TEMPLATE = "{{1+1}}"


def test_no_variable_is_a_template(fake: FakeAdb) -> None:
    """Before ansible-core 2.19, whatever is not marked is one."""
    fake.devices(f"0A1B2C device usb:{TEMPLATE} product:{TEMPLATE} model:{TEMPLATE} device:{TEMPLATE} transport_id:1")
    data = parse(fake, compose={"where": "adb_model", "lab": "'lab ' ~ adb_model"}, hostnames=["adb_model"])
    found = variables(data, *data.hosts)
    assert [found[key] for key in ("where", "lab", "adb_usb")] == [TEMPLATE, f"lab {TEMPLATE}", TEMPLATE]
    loader: Any = DataLoader
    templar: Any = Templar
    said = {key: value for key, value in found.items() if not key.startswith("ansible_") or key == "ansible_adb_serial"}
    assert templar(loader(), variables=found).template(said) == said


def test_no_name_is_a_template(fake: FakeAdb) -> None:
    fake.devices(f"0A1B2C device usb:1-2 model:{TEMPLATE} transport_id:1")
    data = parse(fake, hostnames=["adb_model"], keyed_groups=[{"key": "adb_model", "prefix": "model"}])
    assert list(data.hosts) == ["_1_1_"]
    assert [name for name, group in data.groups.items() if group.hosts] == ["model___1_1__"]


@pytest.mark.parametrize(
    "serial", ["{{1+1}}", "0A{{1+1}}", "{%if1%}", "(no serial number)", "-L", "..", "\x1b[1m", "é"]
)
def test_what_is_no_serial(fake: FakeAdb, warnings: list[str], serial: str) -> None:
    fake.devices(f"{serial} device usb:1-2 transport_id:1", PIXEL)
    assert list(parse(fake).hosts) == ["0A1B2C"]
    assert warnings == [f"A device is not in the inventory: {serial!a} cannot be its serial."]


def test_device_with_the_name_of_the_controller(fake: FakeAdb, warnings: list[str]) -> None:
    fake.devices("localhost device usb:1-2 transport_id:1", PIXEL)
    assert list(parse(fake).hosts) == ["0A1B2C"]
    assert warnings == ["localhost is not in the inventory: its name, localhost, is the controller's."]


def test_strict(fake: FakeAdb) -> None:
    with pytest.raises(AnsibleError, match="Could not set where for host 0A1B2C"):
        parse(fake, compose={"where": "adb_none"})
    assert "where" not in variables(parse(fake, compose={"where": "adb_none"}, strict=False), "0A1B2C")


def test_connect(fake: FakeAdb, warnings: list[str]) -> None:
    fake.says("connect", {"out": "already connected to it\n"})
    assert list(parse(fake, connect=["192.0.2.7"]).hosts) == ["0A1B2C", "192.0.2.7_5555"]
    assert ["connect", "192.0.2.7:5555"] in fake.calls()
    assert warnings == []


def test_connect_what_is_down(fake: FakeAdb, warnings: list[str]) -> None:
    fake.says("connect", {"out": "failed to connect to '192.0.2.8:5555': Connection refused\n"})
    assert "192.0.2.8_5555" not in parse(fake, connect=["192.0.2.8"]).hosts
    (warning,) = warnings
    assert warning.startswith("192.0.2.8:5555 is not in the inventory: ")
    assert "Connection refused" in warning


def test_connect_what_is_down_and_wanted(fake: FakeAdb, warnings: list[str]) -> None:
    fake.says("connect", {"out": "failed to connect to '192.0.2.7:5555': Connection refused\n"})
    fake.devices("192.0.2.7:5555  offline transport_id:4")
    data = parse(fake, connect=["192.0.2.7"], states=["offline", "unreachable"])
    assert variables(data, "192.0.2.7_5555")["adb_state"] == "unreachable"
    assert len(data.hosts) == 1
    assert warnings == []


def test_connect_what_is_no_address(fake: FakeAdb, warnings: list[str]) -> None:
    parse(fake, connect=["a b"])
    assert warnings == ["a b:5555 is not in the inventory: 'a b:5555' is not HOST or HOST:PORT."]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"executable": "no-such-adb"}, "The program no-such-adb cannot be run on the controller"),
        ({"executable": "no-such-adb", "server_host": "x", "connect": ["y"]}, "The program no-such-adb cannot be run"),
        ({"colour": "red", "size": 1}, "there is no option colour, size."),
        ({"states": ["asleep"]}, "asleep"),
        ({"connect_timeout": "long"}, "connect_timeout"),
    ],
)
def test_wrong_options(fake: FakeAdb, options: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleError) as failure:
        parse(fake, **options)
    assert words in str(failure.value)


def test_server_that_fails(fake: FakeAdb) -> None:
    fake.says("devices", {"err": "error: cannot connect to daemon\n", "status": 1})
    with pytest.raises(AnsibleParserError, match="The adb server does not run and cannot be started"):
        parse(fake)


def test_other_files(tmp_path: Path) -> None:
    plugin = adb_devices.InventoryModule()
    (tmp_path / "hosts.yml").touch()
    assert not plugin.verify_file(str(tmp_path / "hosts.yml"))
    assert not plugin.verify_file(str(tmp_path / "adb_devices.yml"))


def test_examples(fake: FakeAdb) -> None:
    fake.says("connect", {"out": "failed to connect\n"})
    examples = list(yaml.safe_load_all(adb_devices.EXAMPLES))
    first, second = [parse(fake, **{**example, "executable": str(fake.program)}) for example in examples]
    assert "model_Pixel_6" in first.groups
    assert list(second.hosts) == ["0A1B2C", "192.0.2.7", "board2.example.net"]
