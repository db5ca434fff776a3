//! Reads who we are to a gateway that asks by more than a word: a client certificate, and the account
//! with a server that hands out tokens. Touches the named files only; prints nothing of what is in them.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use super::read::together;
use super::{ClientIdentity, HttpAuth, HttpToken};
use crate::config::address::{http_url, judge};
use crate::config::problem::Severity;
use crate::config::reader::Reader;
use crate::config::secret::{Secrets, open};
use crate::model::{Endpoint, PlainHttp};

/// Longest file read, in bytes: a chain of a dozen certificates.
const MAX_BYTES: u64 = 64 * 1024;

/// Keys of the account with a token server; asked for always, or they would be reported as unknown.
pub(super) fn token(reader: &Reader<'_>, wanted: bool) -> Option<HttpAuth> {
    let expected = "an address, as \"https://login.example.se/oauth2/token\"";
    let url = reader.parsed("token-url", expected, http_url);
    if let Some(url) = &url {
        judge(reader, "token-url", url, "the client's secret");
    }
    let client_id = reader.secret("client-id-file");
    let client_secret = reader.secret("client-secret-file");
    let scope = reader.text("scope");
    let in_form = reader.choice("client-auth", &[("basic", false), ("form", true)]);
    if !wanted {
        return None;
    }
    let url = reader.require("token-url", url, "\"https://login.example.se/oauth2/token\"");
    let client_id = reader.require("client-id-file", client_id, "\"gateway-client-id\"");
    let client_secret =
        reader.require("client-secret-file", client_secret, "\"gateway-client-secret\"");
    Some(HttpAuth::Token(HttpToken {
        url: Endpoint::parse(&url?, PlainHttp::LoopbackOnly).ok()?,
        client_id: client_id?,
        client_secret: client_secret?,
        scope,
        in_form: in_form.unwrap_or(false),
    }))
}

/// The client certificate and its key.
pub(in crate::config) fn identity(reader: &Reader<'_>) -> Option<ClientIdentity> {
    together(reader, "client-certificate-file", "client-key-file");
    let certificate = pem(reader, "client-certificate-file", false);
    let key = pem(reader, "client-key-file", true);
    Some(ClientIdentity { certificate: certificate?.expose_secret().to_owned(), key: key? })
}

/// A PEM file (RFC 7468), found as the file of a secret is; a key may be read by few.
fn pem(reader: &Reader<'_>, key: &'static str, private: bool) -> Option<SecretString> {
    let name = reader.text(key)?;
    let loader = reader.context.loader;
    if loader.secrets == Secrets::Skipped {
        return Some(SecretString::from(""));
    }
    let path = match loader.credential(&name) {
        _ if name.contains('/') => loader.path(&name),
        Some(path) => path,
        None if loader.secrets == Secrets::Checked => {
            let what = loader.unchecked(&name);
            reader.note(Severity::Note, key, what, "the unit must load it (LoadCredential=)");
            return Some(SecretString::from(""));
        }
        None => {
            let what = format!(
                "`{key}`: credential `{name}` cannot be looked up: $CREDENTIALS_DIRECTORY is not set"
            );
            reader.error(
                key,
                what,
                format!("write a path, as \"./{name}\", or start under systemd"),
            );
            return None;
        }
    };
    match read(&path, private) {
        Ok(text) => Some(text),
        Err((what, remedy)) => {
            reader.error(key, format!("`{key}`: {} {what}", path.display()), remedy);
            None
        }
    }
}

fn read(path: &Path, private: bool) -> Result<SecretString, (String, &'static str)> {
    const READABLE: &str = "make it readable for the user that the daemon runs as";
    let mut file = open(path).map_err(|e| (format!("cannot be read: {e}"), READABLE))?;
    // Asked of the open file, so that what is judged is what is read.
    let meta = file.metadata().map_err(|e| (format!("cannot be read: {e}"), READABLE))?;
    if !meta.is_file() {
        return Err(("is not a file".into(), "write the name of a file"));
    }
    let mode = meta.permissions().mode() & 0o777;
    if private && mode & 0o026 != 0 {
        let what = format!("has mode {mode:04o}: others may read the key or change it");
        return Err((what, "make it 0600, and have the certificate replaced if others read it"));
    }
    let mut text = String::new();
    let size = file.by_ref().take(MAX_BYTES + 1).read_to_string(&mut text);
    let text = SecretString::from(text);
    if !size.is_ok_and(|size| size as u64 <= MAX_BYTES) {
        return Err(("is no PEM file".into(), "convert it with `openssl`"));
    }
    let has = |words: &str| text.expose_secret().contains(words);
    if private && (has("ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED")) {
        let remedy = "write it without a passphrase: `openssl pkey -in KEY -out PLAIN`, mode 0600";
        return Err(("is encrypted, and nobody is there to type its passphrase".into(), remedy));
    }
    let (wanted, what, remedy) = if private {
        ("PRIVATE KEY-----", "private key", "name the file that begins -----BEGIN PRIVATE KEY-----")
    } else {
        (
            "-----BEGIN CERTIFICATE-----",
            "certificate",
            "name the file that begins -----BEGIN CERTIFICATE-----",
        )
    };
    if has(wanted) { Ok(text) } else { Err((format!("holds no {what} in PEM"), remedy)) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_will_do_and_those_that_will_not() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("file");
        let key = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n";
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhush\n";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nhush\n";
        let certificate = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
        for (text, mode, private, say) in [
            (key, 0o600, true, ""),
            (key, 0o640, true, ""),
            (certificate, 0o644, false, ""),
            (key, 0o644, true, "has mode 0644"),
            (locked, 0o600, true, "is encrypted"),
            (old, 0o600, true, "is encrypted"),
            (certificate, 0o600, true, "holds no private key"),
            (key, 0o600, false, "holds no certificate"),
        ] {
            fs::write(&path, text).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
            let said = read(&path, private).err().map(|(what, _)| what).unwrap_or_default();
            assert!(said.contains(say) && said.is_empty() == say.is_empty(), "{text}: {said}");
            assert!(!said.contains("hush"));
        }
        fs::write(&path, "x".repeat(70_000)).expect("write");
        assert!(read(&path, false).expect_err("long").0.contains("no PEM"));
        assert!(read(folder.path(), false).expect_err("folder").0.contains("not a file"));
    }
}
