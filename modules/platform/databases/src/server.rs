//! A PostgreSQL server of a test's own: to be restarted, stopped in its tracks, or to ask for
//! passwords, which would disturb the other tests on a shared one.

use std::{
    env, fs, io,
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use kernel::Secret;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The account that a server runs under where the test is root, whom PostgreSQL refuses.
const ACCOUNT: &str = "postgres";

/// A running server. Stopped, and all it holds gone, with this.
#[derive(Debug)]
pub struct PrivateServer {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    process: Option<Child>,
}

/// How logins prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logins {
    /// Not at all.
    Trusted,
    /// By a password; the superuser's is [`SUPERUSER_PASSWORD`].
    ByPassword,
}

/// Of the superuser `postgres`, where the server asks for passwords.
pub const SUPERUSER_PASSWORD: &str = "only for tests";

impl PrivateServer {
    /// Creates and starts one.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed, or does not start.
    pub async fn start(logins: Logins) -> io::Result<Self> {
        let binaries = binaries()?;
        let folder = tempfile::tempdir()?;
        // The account must get through to what is its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let password = folder.path().join("password");
        fs::write(&password, SUPERUSER_PASSWORD)?;
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
        own(&data)?;
        let method = match logins {
            Logins::Trusted => "trust",
            Logins::ByPassword => "scram-sha-256",
        };
        let mut initdb = as_unprivileged(&binaries.join("initdb"));
        initdb.args(["--no-sync", "--username=postgres", "--encoding=UTF8", "--locale=C"]);
        initdb.arg(format!("--auth={method}")).arg(format!("--pwfile={}", password.display()));
        initdb.arg(format!("--pgdata={}", data.display()));
        let made = initdb.stdin(Stdio::null()).output()?;
        if !made.status.success() {
            let message = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(io::Error::other(message));
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut server = Self { folder, binaries, port, process: None };
        server.run().await?;
        Ok(server)
    }

    /// The superuser's address.
    #[must_use]
    pub fn superuser_url(&self) -> Secret {
        let password = SUPERUSER_PASSWORD.replace(' ', "%20");
        Secret::new(format!("postgres://postgres:{password}@127.0.0.1:{}/postgres", self.port))
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Starts the server again after [`PrivateServer::stop`].
    ///
    /// # Errors
    /// Where it does not start, with what it wrote.
    pub async fn run(&mut self) -> io::Result<()> {
        let log = fs::File::create(self.folder.path().join("log"))?;
        let mut postgres = as_unprivileged(&self.binaries.join("postgres"));
        postgres
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .arg("-p")
            .arg(self.port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "shared_buffers=16MB",
            "max_connections=60",
        ] {
            postgres.arg("-c").arg(setting);
        }
        let output = log.try_clone()?;
        postgres.stdin(Stdio::null()).stdout(output).stderr(log);
        self.process = Some(postgres.spawn()?);
        self.is_up().await
    }

    /// Waits until it lets clients in.
    async fn is_up(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Before the log is read: what it wrote last is in there then.
            let ended = match &mut self.process {
                Some(process) => process.try_wait()?,
                None => None,
            };
            let log = self.log().unwrap_or_default();
            let why = match ended {
                Some(status) => {
                    self.process = None;
                    format!("PostgreSQL ended at once ({status}) and wrote:\n{log}")
                }
                None if log.contains("ready to accept connections") => return Ok(()),
                None if Instant::now() > deadline => {
                    format!("PostgreSQL did not start within {} s:\n{log}", PATIENCE.as_secs())
                }
                None => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };
            return Err(io::Error::other(why));
        }
    }

    /// Ends it as an operator does who does not wait for clients: what is under way is rolled
    /// back.
    ///
    /// # Errors
    /// Where it does not end.
    pub async fn stop(&mut self) -> io::Result<()> {
        self.end(Signal::INT).await
    }

    /// Ends it as a crash does: the next start has to recover.
    ///
    /// # Errors
    /// Where it does not end.
    pub async fn crash(&mut self) -> io::Result<()> {
        self.end(Signal::QUIT).await
    }

    /// Stops the server and all of its processes in their tracks: connections stay open, and
    /// nothing answers.
    ///
    /// # Errors
    /// The system's.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal_all(Signal::STOP)
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// The system's.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal_all(Signal::CONT)
    }

    /// What the server has written down since its last start.
    ///
    /// # Errors
    /// The system's.
    pub fn log(&self) -> io::Result<String> {
        fs::read_to_string(self.folder.path().join("log"))
    }

    async fn end(&mut self, signal: Signal) -> io::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        kill_process(pid(process.id())?, signal)?;
        let deadline = Instant::now() + PATIENCE;
        while process.try_wait()?.is_none() {
            if Instant::now() > deadline {
                process.kill()?;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn signal_all(&self, signal: Signal) -> io::Result<()> {
        let Some(process) = &self.process else { return Ok(()) };
        let parent = process.id();
        kill_process(pid(parent)?, signal)?;
        for entry in fs::read_dir("/proc")? {
            let entry = entry?;
            let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            // The fourth field, after the command's name in brackets. One that has ended meanwhile
            // needs no signal.
            let status = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let fields = status.rsplit_once(") ").map_or("", |(_, fields)| fields);
            if fields.split(' ').nth(1) == Some(&parent.to_string()) {
                let _ = kill_process(pid(id)?, signal);
            }
        }
        Ok(())
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // What is left over where it fails is in a temporary folder.
        let _ = self.thaw();
        let Some(mut process) = self.process.take() else { return };
        let _ = pid(process.id()).map(|id| kill_process(id, Signal::QUIT));
        let _ = process.wait();
    }
}

fn pid(id: u32) -> io::Result<Pid> {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    id.ok_or_else(|| io::Error::other("a process without an id"))
}

/// `program` as a command of an account that is not root's: PostgreSQL and PgBouncer refuse root.
#[must_use]
pub fn as_unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn own(path: &Path) -> io::Result<()> {
    if !is_root() {
        return Ok(());
    }
    let id = |which: &str| -> io::Result<u32> {
        let output = Command::new("id").args([which, ACCOUNT]).output()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
    };
    chown(path, Some(id("-u")?), Some(id("-g")?))
}

/// Where Debian, or whoever has set the path, keeps the server's programs.
fn binaries() -> io::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev().map(|version| version.join("bin")));
    let found = folders.into_iter().find(|folder| folder.join("initdb").is_file());
    found.ok_or_else(|| io::Error::other("PostgreSQL is not installed: there is no initdb"))
}
