//! A PgBouncer of a test's own.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::postgres::Notes;

/// A running pooler, which ends with this.
pub(crate) struct Bouncer {
    pub(crate) port: u16,
    process: Child,
    _folder: TempDir,
}

impl Bouncer {
    /// In transaction mode, with so many connections to the server for each role.
    pub(crate) async fn before(notes: &Notes, connections: u32) -> Self {
        Self::told(notes, connections, "").await
    }

    /// Logs in at the server as `user`, whoever comes.
    pub(crate) async fn passing_all_off_as(user: &str, notes: &Notes) -> Self {
        Self::told(notes, 3, &format!("user={user}")).await
    }

    async fn told(notes: &Notes, connections: u32, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // It refuses root, and the account it runs under must read this.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("readable");
        let users = folder.path().join("users.txt");
        fs::write(&users, "\"notes_app\" \"\"\n\"notes_system\" \"\"\n").expect("the users");
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let port = port.expect("a port").port();
        let url = notes.config().url;
        let place = url.split_once("://").expect("an address").1.split('/').next();
        let (host, server) = place.and_then(|place| place.split_once(':')).expect("a port");
        let settings = format!(
            "[databases]\n* = host={host} port={server} {more}\n\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 500\n\
             ignore_startup_parameters = extra_float_digits\n\
             auth_type = trust\nauth_file = {}\n",
            users.display()
        );
        let settings_file = folder.path().join("pgbouncer.ini");
        fs::write(&settings_file, settings).expect("the settings");
        for file in [&users, &settings_file] {
            fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("readable");
        }
        let mut command = databases::as_unprivileged("pgbouncer".as_ref());
        command
            .arg(&settings_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = spawn(command);
        let mut bouncer = Self { port, process, _folder: folder };
        bouncer.wait_until_ready().await;
        bouncer
    }

    async fn wait_until_ready(&mut self) {
        let ready = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                assert!(self.process.try_wait().expect("a process").is_none(), "it ended at once");
                tokio::task::yield_now().await;
            }
        };
        let ready = tokio::time::timeout(std::time::Duration::from_secs(10), ready).await;
        ready.expect("PgBouncer is ready");
    }
}

fn spawn(mut command: Command) -> Child {
    command.spawn().expect("PgBouncer, of the Debian package pgbouncer")
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
