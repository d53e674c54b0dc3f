//! A folder with the configurations of some people who find each other on loopback.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// Nothing here measures time: a loaded machine gets as long as it wants.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Place {
    folder: tempfile::TempDir,
    /// Where the first one listens, and the others find him.
    port: u16,
    /// What `[[group]]` says besides its name.
    pub(crate) group: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let psk = folder.path().join("lab.psk");
        fs::write(&psk, "5a".repeat(32)).unwrap();
        fs::set_permissions(&psk, fs::Permissions::from_mode(0o600)).unwrap();
        // Free now, and nobody else asks for it so soon.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder, port, group: "policy = \"open\"\n".to_owned() }
    }

    /// Writes somebody's configuration; its path. `alice` is found by the others.
    pub(crate) fn configure(&self, name: &str) -> String {
        let port = if name == "alice" { self.port } else { 0 };
        // A process that gets no processor for seconds is not suspected for it.
        let text = format!(
            "[node]\nname = \"{name}\"\nidentity = \"{name}.key\"\nstate = \"{name}.state\"\n\
             listen = [\"/ip4/127.0.0.1/tcp/{port}\"]\n\n\
             [overlay]\nname = \"lab\"\npsk_file = \"lab.psk\"\nmdns = false\n\
             suspect_after = \"30s\"\nbootstrap = [\"/ip4/127.0.0.1/tcp/{}\"]\n\n\
             [[group]]\nname = \"ops\"\n{}",
            self.port, self.group
        );
        let file = self.folder.path().join(format!("{name}.toml"));
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }
}
