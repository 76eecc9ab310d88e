"""HTTPS: a certificate of the server's own authority is whom it names, and one of another's, or none, is nobody."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import yaml
from attrs import evolve

from kubeproof.harness.cli import main
from kubeproof.harness.serve.tls import named_in
from kubeproof.impl.apiserver import User

NODES = "/api/v1/nodes"


@pytest.fixture(scope="module")
def secured(serving: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Give the URL of a server with TLS, and its folder; nothing may be complained of in the end."""
    folder = tmp_path_factory.mktemp("tls") / "pki"
    server = serving("--tls", str(folder), "--client", "jane:devs", "--client", "joe")
    yield server.url, folder
    assert server.end() == ""


def client(url: str, folder: Path, proof: trustme.LeafCert | None = None) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    if proof is not None:
        proof.configure_cert(context)
    return httpx.Client(base_url=url, verify=context)


def authority(folder: Path) -> trustme.CA:
    return trustme.CA.from_pem((folder / "ca.crt").read_bytes(), (folder / "ca.key").read_bytes())


def test_kubectl_is_whom_its_kubeconfig_names(secured: tuple[str, Path], newest: Callable[[str], Any]) -> None:
    url, folder = secured
    assert url.startswith("https://")
    kubectl = newest(url)
    told = {name: kubectl(f"--kubeconfig {folder / name}.conf auth whoami") for name in ("admin", "jane", "joe")}
    assert "kubernetes-admin" in told["admin"].out
    assert "system:masters" in told["admin"].out
    assert all(word in told["jane"].out for word in ("jane", "devs", "system:authenticated"))
    assert "devs" not in told["joe"].out
    made = kubectl(f"--kubeconfig {folder}/admin.conf create role r --verb=get,list --resource=pods")
    assert made.code == 0, made.err
    bound = kubectl(f"--kubeconfig {folder}/admin.conf create rolebinding rb --role=r --group=devs")
    assert bound.code == 0, bound.err
    assert kubectl(f"--kubeconfig {folder}/jane.conf get pods").code == 0
    assert "Forbidden" in kubectl(f"--kubeconfig {folder}/joe.conf get pods").err
    unknown = kubectl("--kubeconfig /dev/null --token x get pods")
    assert "certificate signed by unknown authority" in unknown.err


def test_who_shows_nothing_is_anonymous(secured: tuple[str, Path]) -> None:
    url, folder = secured
    with client(url, folder) as nobody:
        answer = nobody.get(NODES)
    assert answer.status_code == 403
    assert 'User "system:anonymous"' in answer.json()["message"]


def test_a_certificate_of_another_authority_proves_nothing(secured: tuple[str, Path]) -> None:
    url, folder = secured
    forged = trustme.CA().issue_cert("client", common_name="kubernetes-admin", organization_name="system:masters")
    with client(url, folder, forged) as liar, pytest.raises(httpx.TransportError):
        liar.get(NODES)
    true = authority(folder).issue_cert("client", common_name="kubernetes-admin", organization_name="system:masters")
    with client(url, folder, true) as admin:
        assert admin.get(NODES).status_code == 200


def test_a_certificate_goes_before_a_token_and_plain_http_gets_nothing(secured: tuple[str, Path]) -> None:
    url, folder = secured
    proof = authority(folder).issue_cert("client", common_name="jane")
    with client(url, folder, proof) as jane:
        answer = jane.get(NODES, headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, 'User "jane"' in answer.json()["message"]) == (403, True)
    with client(url, folder) as nobody:
        assert nobody.get(NODES, headers={"Authorization": "Bearer nonsense"}).status_code == 401
    with pytest.raises(httpx.TransportError):
        httpx.get(url.replace("https", "http") + NODES)


def test_the_authority_goes_on_and_only_its_owner_reads_it(serving: Callable[..., Any], tmp_path: Path) -> None:
    ends = []
    for _ in range(2):
        server = serving("--tls", str(tmp_path), "--kubeconfig", str(tmp_path / "kubeconfig"))
        ends.append((tmp_path / "ca.crt").read_bytes())
        found = yaml.safe_load((tmp_path / "kubeconfig").read_text())
        assert found["clusters"][0]["cluster"]["server"] == server.url
        with client(server.url, tmp_path) as nobody:
            assert nobody.get("/version").status_code == 200
        assert server.end() == ""
    assert ends[0] == ends[1]
    for name in ("ca.key", "tls.key", "admin.conf"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_subject_names_a_user_and_groups() -> None:
    subject = ((("organizationName", "a"),), (("organizationName", "b"),), (("commonName", "jane"),))
    assert named_in({"subject": subject}) == User("jane", ("a", "b"))
    assert named_in({"subject": subject[:2]}) is None
    assert evolve(User("jane"), groups=()) == named_in({"subject": subject[2:]})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--client", "jane"], "a client has a certificate only with --tls"),
        (["--tls", "{}", "--client", ":devs"], "expected NAME or NAME:GROUP, got ':devs'"),
        (["--tls", "{}", "--client", "../x"], "expected NAME or NAME:GROUP, got '../x'"),
        (["--tls", "{}/broken"], "cannot hold an authority for --tls"),
    ],
    ids=["without TLS", "no name", "no file", "a broken authority"],
)
def test_what_is_wrong_is_told(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ca.crt").write_text("nonsense")
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "0", *(one.format(tmp_path) for one in options)])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
