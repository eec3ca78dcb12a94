"""The files that others deploy with: Kubernetes' own schemas accept them, and they name only what the program has."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from recsys.settings import PROJECT_ROOT
from tests.docs.test_documentation import SETTINGS

FOLDER = PROJECT_ROOT / "docs" / "deploy"
MANIFESTS = list(yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text()))
SERVICES: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: f"{m['kind']} {m['metadata']['name']}")
@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_kubernetes_accepts_it(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_every_container_has_limits_no_rights_and_a_way_to_tell_its_health() -> None:
    deployments = [m for m in MANIFESTS if m["kind"] == "Deployment"]
    assert {m["metadata"]["name"] for m in deployments} == {"insider-app", "insider-scheduler", "insider-worker"}
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] and container["resources"]["limits"]["memory"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
    app = deployments[0]["spec"]["template"]["spec"]["containers"][0]
    assert app["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert app["livenessProbe"]["httpGet"]["path"] == "/healthz"


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_settings_exist(path: Path) -> None:
    assert set(re.findall(r"\bINSIDER_[A-Z_]+[A-Z]\b", path.read_text())) <= set(SETTINGS)


def test_the_parts_of_the_compose_file_find_each_other() -> None:
    assert set(SERVICES) == {"app", "scheduler", "worker", "database"}
    for name in ("app", "worker"):
        assert "@database/" in SERVICES[name]["environment"]["INSIDER_DATABASE_URL"]
        assert SERVICES[name]["volumes"] == ["home:/data"]
    assert SERVICES["app"]["ports"] == ["127.0.0.1:8000:8000"], "open to the network only on purpose"
