"""What people bring: folders as openssl, cfssl and kubeadm leave them, made by those programs."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.pki.recipe import CA, CONFIG, LEAF

PASSPHRASE = "open sesame"
AUTHORITIES = "/authorities/import/"
CERTIFICATES = "/certificates/import/"
CERTDB = "/certificates/import/certdb/"
# How openssl writes one key, by the name of the file.
KEY_FORMS = {
    "pkcs8.pem": ("pkey",),
    "traditional.pem": ("pkey", "-traditional"),
    "traditional-aes.pem": ("pkey", "-traditional", "-aes256"),
    "traditional-3des.pem": ("pkey", "-traditional", "-des3"),
    "pkcs8-pbkdf2.pem": ("pkcs8", "-topk8", "-v2", "aes256"),
    "pkcs8-scrypt.pem": ("pkcs8", "-topk8", "-scrypt"),
    "pkcs8-pbes1.pem": ("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"),
    "pkcs8.der": ("pkcs8", "-topk8", "-nocrypt", "-outform", "DER"),
    "pkcs8-pbkdf2.der": ("pkcs8", "-topk8", "-v2", "aes256", "-outform", "DER"),
    "traditional.der": ("pkey", "-traditional", "-outform", "DER"),
}
NEW_KEY = {
    "rsa": ("rsa", "-pkeyopt", "rsa_keygen_bits:2048"),
    "ecdsa": ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "ed25519": ("ed25519",),
}


def run(folder: Path, *command: str, text: str = "") -> str:
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def openssl_authority(
    folder: Path, *, algo: str = "ecdsa", name: str = "ca", subject: str = "/CN=old-ca"
) -> None:
    """Write `name`.crt and `name`.key of a self-signed CA of ten years."""
    run(folder, "openssl", "genpkey", "-algorithm", *NEW_KEY[algo], "-out", f"{name}.key")
    run(
        folder,
        *("openssl", "req", "-x509", "-key", f"{name}.key", "-out", f"{name}.crt"),
        *("-days", "3650", "-subj", subject, "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )


def openssl_leaf(folder: Path, *, by: str, name: str, subject: str, ext: str = "") -> None:
    """Write `name`.crt and `name`.key, signed by `by`."""
    run(folder, "openssl", "genpkey", "-algorithm", *NEW_KEY["ecdsa"], "-out", f"{name}.key")
    run(
        folder,
        *("openssl", "req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", "x.csr"),
    )
    (folder / "x.ext").write_text(ext or "extendedKeyUsage=clientAuth\n")
    run(
        folder,
        *("openssl", "x509", "-req", "-in", "x.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key"),
        *("-CAcreateserial", "-days", "365", "-extfile", "x.ext", "-out", f"{name}.crt"),
    )
    for rest in ("x.csr", "x.ext", f"{by}.srl"):
        (folder / rest).unlink()


def key_in(folder: Path, form: str, *, key: str = "ca.key") -> Path:
    """Write `key` as openssl does in one of KEY_FORMS."""
    kind = KEY_FORMS[form]
    secret = () if "-nocrypt" in kind else ("-passout", f"pass:{PASSPHRASE}")
    run(folder, "openssl", *kind, "-in", key, "-out", form, *secret)
    return folder / form


def recipe_folder(folder: Path) -> Path:
    """Leave what the classic recipe leaves, with the real cfssl."""
    (folder / "ca-config.json").write_text(json.dumps(CONFIG))
    (folder / "aggregator-ca-csr.json").write_text(json.dumps(CA))
    (folder / "aggregator-csr.json").write_text(json.dumps(LEAF))
    made = run(folder, "cfssl", "gencert", "-initca", "aggregator-ca-csr.json")
    run(folder, "cfssljson", "-bare", "aggregator-ca", text=made)
    made = run(
        folder,
        *("cfssl", "gencert", "-ca=aggregator-ca.pem", "-ca-key=aggregator-ca-key.pem"),
        *("-config=ca-config.json", "-profile=aggregator", "aggregator-csr.json"),
    )
    run(folder, "cfssljson", "-bare", "aggregator", text=made)
    return folder


def kubeadm_folder(folder: Path) -> Path:
    """Leave what `kubeadm init phase certs all` leaves, as far as it matters, with openssl."""
    (folder / "etcd").mkdir()
    openssl_authority(folder, name="front-proxy-ca", subject="/CN=front-proxy-ca", algo="rsa")
    openssl_authority(folder, name="ca", subject="/CN=kubernetes", algo="rsa")
    openssl_authority(folder / "etcd", name="ca", subject="/CN=etcd-ca", algo="rsa")
    name = "front-proxy-client"
    openssl_leaf(folder, by="front-proxy-ca", name=name, subject=f"/CN={name}")
    openssl_leaf(folder, by="ca", name="apiserver", subject="/CN=kube-apiserver")
    run(folder, "openssl", "genpkey", "-algorithm", *NEW_KEY["rsa"], "-out", "sa.key")
    run(folder, "openssl", "pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")
    return folder


def tarred(folder: Path, *, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        archive.add(folder, arcname="pki")
    return buffer.getvalue()


def zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"pki/{path.relative_to(folder)}")
    return buffer.getvalue()


def uploaded(*files: tuple[str, bytes]) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, body) for name, body in files]


def bring(client: Client, *files: tuple[str, bytes], to: str = AUTHORITIES, **rest: str):
    """The first step, or the only one."""
    if to == CERTIFICATES:
        rest = {"exportable": "no", **rest}
    return client.post(to, {"upload": uploaded(*files), **rest})


def bring_folder(client: Client, folder: Path, *names: str, to: str = AUTHORITIES, **rest: str):
    """The files of a folder chosen at once; all of them where none is named."""
    wanted = names or sorted(path.name for path in folder.iterdir() if path.is_file())
    return bring(client, *((name, (folder / name).read_bytes()) for name in wanted), to=to, **rest)


def choices(answer) -> dict[str, str]:
    """What the second page would send as it stands."""
    sent: dict[str, str] = {}
    found = answer.context["choices"]
    for choice in (*found.of_authorities, *found.of_certificates):
        for bound in choice.form or ():
            value = bound.value()
            if value not in (None, False, ""):
                sent[bound.html_name] = "on" if value is True else str(value)
    return sent


def import_as_shown(client: Client, answer, **changed: str | None):
    """The second step as it is proposed, save what is `changed` (`a0_lane` stands for a0-lane)."""
    assert answer.status_code == 302, answer.text
    sent = choices(client.get(answer["Location"]))
    for name, value in changed.items():
        name = name.replace("_", "-", 1)
        if value is None:
            sent.pop(name, None)
        else:
            sent[name] = value
    return client.post(answer["Location"], sent)
