//! The control socket's file, from both sides.

use super::{Answer, Request};
use crate::data::DataDir;
use anyhow::{Context, Result, bail};
use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

/// A path by which a Unix socket can be reached. The system takes about 100 bytes; where the data folder's path is
/// longer than that, Linux lets us go through the open folder.
pub(crate) struct Reach {
    pub(crate) path: PathBuf,
    _folder: Option<File>,
}

impl Reach {
    pub(crate) fn to(socket: &Path) -> io::Result<Self> {
        let is_short = socket.as_os_str().len() <= PATH_BYTES_MAX;
        let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if is_short || !cfg!(target_os = "linux") {
            return Ok(Self { path: socket.to_owned(), _folder: None });
        }
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }
}

/// A conn to a running hub.
#[derive(Debug)]
pub(crate) struct Control(BufReader<UnixStream>);

/// Connects to the hub that runs on this folder. `None` where nobody answers.
pub(crate) async fn connect(data: &DataDir) -> Result<Option<Control>> {
    let path = data.control_socket();
    let connected = match Reach::to(&path) {
        Ok(reach) => UnixStream::connect(&reach.path).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(stream) => Ok(Some(Control(BufReader::new(stream)))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| {
            format!(
                "cannot talk to the hub through {}: run this as the user that the hub runs as",
                path.display()
            )
        }),
    }
}

impl Control {
    /// Asks one thing.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Answer> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let answered = timeout(ANSWER_MAX, async {
            self.0.get_mut().write_all(&line).await?;
            let mut answer = Vec::new();
            (&mut self.0).take(ANSWER_BYTES_MAX).read_until(b'\n', &mut answer).await?;
            io::Result::Ok(answer)
        });
        let answer = answered.await.context("the hub does not answer: look into its log")??;
        if !answer.ends_with(b"\n") {
            bail!("the hub ended before it answered: look into its log");
        }
        serde_json::from_slice(&answer)
            .context("the hub is of another version: use the hubbub command that it runs")
    }
}

/// 104 on macOS, 108 on Linux, with the zero at the end.
const PATH_BYTES_MAX: usize = 103;
const ANSWER_MAX: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: u64 = 256 << 20;
