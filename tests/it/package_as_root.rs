//! The Debian package on a copy of this machine: what an installation makes, that the daemon runs there as the
//! unit runs it, and what upgrade, removal and purge keep and take. Needs root; see `tests/run`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scratch_root::{Said, ScratchRoot};

const STATE: &str = "/var/lib/upprop";
const CONFIG: &str = "/etc/upprop/upprop.toml";
/// What an administrator adds to the shipped configuration.
const OWN: &str = "\n[sources.school]\nbearer-file = \"webhook-token\"\n\
    [schools.s1]\nname = \"Björkskolan\"\nphone = \"08-123 45 67\"\nteam-email = \"team@skola.example\"\n\
    volume-gather = \"0s\"\n";

/// Where the copy finds the packages.
const PACKAGES: &str = "/run/packages";

fn outside(command: &mut Command) -> String {
    let output = command.output().expect("the command");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The package with the program that was built, by the script that ships.
fn build(folder: &Path) -> PathBuf {
    let small = folder.join("upprop");
    outside(Command::new("strip").arg("-o").arg(&small).arg(env!("CARGO_BIN_EXE_upprop")));
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/debian/build");
    let mut command = Command::new("timeout");
    command.arg("300").arg(build).arg("--binary").arg(small).arg("--out").arg(folder);
    PathBuf::from(outside(command.args(["--version", "0.1.0-1"])))
}

/// The same package as another version.
fn another(package: &Path, version: &str) -> PathBuf {
    let tree = package.with_extension("tree");
    if !tree.exists() {
        outside(Command::new("dpkg-deb").arg("-R").arg(package).arg(&tree));
    }
    let control = tree.join("DEBIAN/control");
    let text = std::fs::read_to_string(&control).expect("control");
    let lines = text.lines().map(|line| match line.strip_prefix("Version: ") {
        Some(_) => format!("Version: {version}\n"),
        None => format!("{line}\n"),
    });
    std::fs::write(&control, lines.collect::<String>()).expect("control");
    let to = package.with_file_name(format!("upprop_{version}.deb"));
    outside(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Znone", "--build"])
            .args([&tree, &to]),
    );
    to
}

impl ScratchRoot {
    fn dpkg(&self, arguments: &str) -> Said {
        self.run(&format!("cd {PACKAGES}; {}", arguments.replace("dpkg ", "dpkg --no-triggers ")))
    }

    /// Installs a package; what was said.
    fn install(&self, version: &str) -> String {
        let said = self.dpkg(&format!("dpkg -i upprop_{version}*.deb"));
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert_eq!(self.version(), format!("install ok installed {version}"));
        said.out + &said.err
    }

    fn version(&self) -> String {
        self.good("dpkg-query -W -f='${Status} ${Version}' upprop")
    }

    /// The names in a folder.
    fn names(&self, folder: &str) -> Vec<String> {
        self.good(&format!("ls -1 {folder}")).lines().map(String::from).collect()
    }

    fn is(&self, expected: &[(&str, &str)]) {
        for (path, like) in expected {
            let found = self.good(&format!("stat -c '%a %U:%G' {path}"));
            assert_eq!(found.trim(), *like, "{path}");
        }
    }
}

#[test]
fn a_package_is_installed_upgraded_removed_and_purged_as_root() {
    let root = ScratchRoot::new();
    let folder = tempfile::tempdir().expect("a folder");
    let first = build(folder.path());
    let packages: Vec<_> = ["0.1.0-2", "0.1.0-3", "0.1.0-4", "0.1.0-5"]
        .into_iter()
        .map(|version| another(&first, version))
        .chain([first.clone()])
        .collect();
    root.good(&format!("mkdir {PACKAGES}"));
    for package in packages {
        let name = package.file_name().and_then(|name| name.to_str()).expect("a name");
        std::fs::copy(&package, root.path(&format!("{PACKAGES}/{name}"))).expect("a copy");
    }

    installs(&root);
    runs_as_installed(&root);
    configured_it_takes_an_event(&root);
    upgrades_keep_a_way_back(&root);
    removal_keeps_and_purge_takes(&root);
}

/// Accounts, folders, pages and completions are there; `check` says what a fresh configuration is.
fn installs(root: &ScratchRoot) {
    assert_eq!(root.run("getent passwd upprop").code, 2, "this machine has an upprop");
    let said = root.install("0.1.0-1");
    assert!(said.contains("Nothing is sent until a school is configured"), "{said}");
    let account = root.good("getent passwd upprop");
    assert!(account.ends_with(":/var/lib/upprop:/usr/sbin/nologin\n"), "{account}");
    let groups = root.good("id -nG upprop");
    assert_eq!(groups.split_whitespace().collect::<Vec<_>>(), ["upprop", "upprop-drop"]);
    root.is(&[
        ("/usr/bin/upprop", "755 root:root"),
        ("/etc/upprop", "755 root:root"),
        (CONFIG, "644 root:root"),
        ("/etc/upprop/templates", "755 root:root"),
        ("/etc/upprop/credentials", "700 root:root"),
        (STATE, "710 upprop:upprop"),
        ("/var/spool/upprop/directory", "2770 root:upprop-drop"),
    ]);
    assert_eq!(root.read(CONFIG), include_str!("../../config/upprop.toml"));
    let said = root.run("upprop check");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.ends_with("2 warnings; 0 schools, 0 sources, 0 providers\n"), "{}", said.out);

    for path in [
        "/usr/lib/systemd/system/upprop.service",
        "/usr/lib/sysusers.d/upprop.conf",
        "/usr/lib/tmpfiles.d/upprop.conf",
        "/usr/share/upprop/templates/sms/sv/absence.txt",
        "/usr/share/upprop/ladders/plan.toml",
        "/usr/share/man/man5/upprop.toml.5.gz",
        "/usr/share/man/man8/upprop.8.gz",
        "/usr/share/man/man8/upprop-message-retry.8.gz",
        "/usr/share/bash-completion/completions/upprop",
        "/usr/share/zsh/vendor-completions/_upprop",
        "/usr/share/fish/vendor_completions.d/upprop.fish",
        "/usr/share/doc/upprop/copyright",
        "/usr/share/doc/upprop/changelog.Debian.gz",
        "/etc/systemd/system/multi-user.target.wants/upprop.service",
    ] {
        assert!(root.has(path), "{path}");
    }
    let said = root.good(
        "shellcheck /var/lib/dpkg/info/upprop.p*; \
         for page in /usr/share/man/man[58]/upprop*; do zcat $page | groff -man -ww -z -Kutf8 -Tutf8; done; \
         bash -n /usr/share/bash-completion/completions/upprop; dpkg -V upprop",
    );
    assert_eq!(said, "");
    // Installed once more, as `dpkg --configure` may be asked to: nothing is made twice.
    root.good(
        "dpkg-reconfigure upprop 2>&1 || sh /var/lib/dpkg/info/upprop.postinst configure 0.1.0-1",
    );
}

/// With the shipped configuration; what it makes is for itself, the control socket for its group.
fn runs_as_installed(root: &ScratchRoot) {
    let daemon = root.daemon();
    root.is(&[("/var/lib/upprop/control.sock", "660 upprop:upprop")]);
    let open = root.good(&format!(
        "find {STATE} -mindepth 1 ! -name control.sock \\( -perm /077 -o ! -user upprop \\)"
    ));
    assert_eq!(open, "", "others may use these");
    root.good("useradd --groups upprop warden; useradd stranger");
    let status = |who: &str| root.run(&format!("runuser -u {who} -- upprop status"));
    assert_eq!(status("warden").code, 0, "{}", status("warden").err);
    assert_eq!(status("stranger").code, 69, "{}", status("stranger").out);
    for who in ["warden", "stranger"] {
        let said = root.run(&format!("runuser -u {who} -- ls {STATE}"));
        assert!(said.code != 0 && said.out.is_empty(), "{who} lists {}", said.out);
    }
    assert_eq!(daemon.stop().code(), Some(0));
}

/// A school, a secret and the directory, as the README has it.
fn configured_it_takes_an_event(root: &ScratchRoot) {
    let config = root.read(CONFIG) + OWN;
    let config = config.replace(
        "#folder = \"/var/spool/upprop/directory",
        "folder = \"/var/spool/upprop/directory",
    );
    std::fs::write(root.path(CONFIG), config).expect("config");
    root.good(
        "cd /etc/upprop/credentials; (umask 077; printf 'token-0123456789abcdef-0123456789' >webhook-token); \
         install -d -m 700 -o upprop /run/credentials; \
         install -m 400 -o upprop webhook-token /run/credentials/upprop_webhook-token",
    );
    let said = root.run("upprop check");
    assert!(said.code <= 1 && !said.out.contains("not checked"), "{}", said.out);
    root.good(
        r#"useradd --groups upprop-drop export
runuser -u export -- bash -euc 'umask 027; cd /var/spool/upprop/directory
echo "id,school,class,given-name,family-name,birth-date,protection,mentor
p1,s1,7B,Alva,Test,2013-01-01,none," >pupils.csv
echo "pupil,school,guardian,name,phone,email,channel,language,may-receive,deny
p1,s1,g1,Vuxen Test,070-174 06 05,,sms,sv,yes,no" >guardians.csv
echo "id,school,role,name,email,phone" >staff.csv'"#,
    );
    let daemon = root.daemon();
    let said = root.good(
        r#"now=$(date -u +%FT%TZ) end=$(date -u -d '+40 min' +%FT%TZ)
body='{"type":"attendance.marked","id":"e1","school":"s1","pupil":"p1","lesson":{"id":"l1","start":"'$now'","end":"'$end'"},"mark":"unexcused","recorded_at":"'$now'"}'
for try in $(seq 100); do
    exec 3<>/dev/tcp/127.0.0.1/8750
    printf 'POST /hooks/school HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer token-0123456789abcdef-0123456789\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s' ${#body} "$body" >&3
    answer=$(cat <&3); exec 3>&-
    # 503 until the directory is read.
    case $answer in *" 503 "*) sleep 0.2 ;; *) break ;; esac
done; echo "$answer""#,
    );
    assert!(said.starts_with("HTTP/1.1 202 "), "{said}");
    let why = root.good("runuser -u warden -- upprop why p1");
    assert!(why.contains("shadow"), "{why}");
    assert_eq!(daemon.stop().code(), Some(0));
}

/// Each upgrade leaves a copy, the two newest stay; one that cannot be made ends the upgrade.
fn upgrades_keep_a_way_back(root: &ScratchRoot) {
    let config = root.read(CONFIG);
    let copies = || root.names("/var/lib/upprop/backups");
    for (from, to, expected) in [
        ("0.1.0-1", "0.1.0-2", &["before-0.1.0-1"][..]),
        ("0.1.0-2", "0.1.0-3", &["before-0.1.0-1", "before-0.1.0-2"]),
        ("0.1.0-3", "0.1.0-4", &["before-0.1.0-2", "before-0.1.0-3"]),
    ] {
        root.install(to);
        assert_eq!(copies(), expected);
        let copy = format!("/var/lib/upprop/backups/before-{from}");
        let open = root.good(&format!("find {STATE}/backups \\( -perm /077 -o ! -user upprop \\)"));
        assert_eq!(open, "", "others may use these");
        assert!(!root.good(&format!("find {copy} -type f -size +0")).is_empty(), "an empty copy");
    }
    assert_eq!(root.read(CONFIG), config);
    let daemon = root.daemon();
    let why = root.good("runuser -u warden -- upprop why p1");
    assert!(why.contains("l1"), "{why}");
    assert_eq!(daemon.stop().code(), Some(0));

    root.good(&format!("mv {STATE}/backups {STATE}/away; touch {STATE}/backups"));
    let said = root.dpkg("dpkg -i upprop_0.1.0-5.deb");
    assert!(said.code != 0 && said.err.contains("THE UPGRADE DOES NOT TAKE PLACE"), "{}", said.err);
    assert_eq!(root.version(), "install ok installed 0.1.0-4");
    let said = root.dpkg("UPPROP_BACKUP=no dpkg -i upprop_0.1.0-5.deb");
    assert!(said.code == 0 && said.err.contains("NOT copied"), "{}", said.err);
    root.good(&format!("rm {STATE}/backups; mv {STATE}/away {STATE}/backups"));
    assert_eq!(root.version(), "install ok installed 0.1.0-5");
}

/// Removal keeps configuration and state; purge takes the state only when asked to.
fn removal_keeps_and_purge_takes(root: &ScratchRoot) {
    let state = || root.good(&format!("find {STATE} /var/spool/upprop | sort"));
    let (config, before) = (root.read(CONFIG), state());
    let said = root.dpkg("dpkg -r upprop");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!root.has("/usr/bin/upprop"));
    assert_eq!((root.read(CONFIG), state()), (config, before.clone()));
    assert!(root.has("/etc/upprop/credentials/webhook-token"));

    let said = root.dpkg("dpkg -P upprop");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!root.has("/etc/upprop"));
    assert!(said.err.contains("To remove it: rm -r /var/lib/upprop"), "{}", said.err);
    assert_eq!(state(), before);

    // What is installed now finds a store whose program is gone: it makes the copy itself.
    let said = root.dpkg("dpkg -i upprop_0.1.0-5.deb");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(root.has(&format!("{STATE}/backups/before-installation")));
    let said = root.dpkg("UPPROP_PURGE=state dpkg -P upprop");
    assert_eq!(said.code, 0, "{}", said.err);
    for path in ["/etc/upprop", STATE, "/var/spool/upprop", "/usr/share/upprop"] {
        assert!(!root.has(path), "{path}");
    }
    let left =
        root.good("find /etc /var/lib/systemd /usr/share /usr/lib/systemd -xdev -name '*upprop*'");
    assert_eq!(left, "");
}
