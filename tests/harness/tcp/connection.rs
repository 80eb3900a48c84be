//! One connection of a client, and what the faults do to it.

use std::io::Result;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Shared;
use super::fault::Fault;
use super::http::{Answer, Request, peek, read_answer};

/// Longer than a short write deadline, shorter than the patience of any other call.
const DELAY: Duration = Duration::from_secs(1);

/// Between two bytes of an answer that drips.
const DRIP: Duration = Duration::from_millis(1);

const NOT_HTTP: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 SSH-2.0-OpenSSH_9.2 \xff\xfe\r\n\r\n";

const NOT_JSON: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n\
    content-length: 26\r\n\r\n<html>please log in</html>";

/// What a JSON parser may take for an answer without content.
const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n\
    content-length: 0\r\n\r\n";

const LOAD_BALANCER_PAGE: &[u8] =
    b"HTTP/1.1 503 Service Temporarily Unavailable\r\nserver: awselb/2.0\r\ncontent-type: text/html\r\n\
    connection: close\r\n\r\n<html><head><title>503 Service Temporarily Unavailable\
    </title></head><body></body></html>\r\n\r\n";

/// Whether a connection goes on after a request.
enum Next {
    Request,
    Close,
    Reset,
}

/// Serves one connection until it ends.
pub(super) async fn serve(shared: Arc<Shared>, mut client: TcpStream) {
    let _ = client.set_nodelay(true);
    let mut services = Services::default();
    let mut shut = shared.shut.subscribe();
    loop {
        let next = tokio::select! {
            next = exchange(&shared, &mut client, &mut services) => next.unwrap_or(Next::Close),
            _ = shut.wait_for(|shut| *shut) => Next::Reset,
        };
        match next {
            Next::Request => {}
            Next::Close => return,
            // Closed with no linger: what is sent is an RST.
            Next::Reset => return drop(client.set_zero_linger()),
        }
    }
}

/// One request and what becomes of it.
async fn exchange(shared: &Shared, client: &mut TcpStream, services: &mut Services) -> Result<Next> {
    let Some(request) = peek(client).await? else { return Ok(Next::Close) };
    let fault = shared.judge(&request);
    if fault == Some(Fault::Blackhole) {
        // Nobody will ever read it; the connection lives as long as the proxy.
        std::future::pending::<()>().await;
    }
    client.read_exact(&mut vec![0; request.bytes.len()]).await?;
    let Some(fault) = fault else {
        let answer = services.ask(shared, &request).await?;
        client.write_all(&answer.bytes).await?;
        return Ok(Next::Request);
    };
    match fault {
        Fault::Delay => {
            sleep(DELAY).await;
            let answer = services.ask(shared, &request).await?;
            client.write_all(&answer.bytes).await?;
            Ok(Next::Request)
        }
        Fault::ResetRequest => Ok(Next::Reset),
        Fault::ResetAnswer => {
            services.ask(shared, &request).await?;
            Ok(Next::Reset)
        }
        Fault::HalfOpen | Fault::Blackhole => {
            gone(client).await;
            Ok(Next::Close)
        }
        Fault::Late => {
            gone(client).await;
            services.ask(shared, &request).await?;
            Ok(Next::Close)
        }
        Fault::Truncate => {
            let Answer { bytes, head } = services.ask(shared, &request).await?;
            let body = bytes.len() - head;
            let end = if body == 0 { head - 1 } else { head + body / 2 };
            client.write_all(&bytes[..end]).await?;
            Ok(Next::Close)
        }
        Fault::NotHttp => {
            services.ask(shared, &request).await?;
            client.write_all(NOT_HTTP).await?;
            Ok(Next::Close)
        }
        Fault::NotJson => {
            client.write_all(NOT_JSON).await?;
            Ok(Next::Request)
        }
        Fault::Empty => {
            client.write_all(EMPTY).await?;
            Ok(Next::Request)
        }
        Fault::LoadBalancerPage => {
            client.write_all(LOAD_BALANCER_PAGE).await?;
            Ok(Next::Close)
        }
        Fault::SlowDrip => {
            for byte in services.ask(shared, &request).await?.bytes {
                client.write_all(&[byte]).await?;
                sleep(DRIP).await;
            }
            Ok(Next::Request)
        }
        Fault::Refuse => {
            shared.shut.send_replace(true);
            Ok(Next::Reset)
        }
    }
}

/// Waits until the client has closed the connection.
async fn gone(client: &mut TcpStream) {
    let mut byte = [0];
    while client.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}

/// The connections to the services behind one connection of a client.
#[derive(Default)]
struct Services {
    sqs: Option<TcpStream>,
    dynamodb: Option<TcpStream>,
}

impl Services {
    /// Takes the request to its service. An idle connection that the service has closed is made anew.
    async fn ask(&mut self, shared: &Shared, request: &Request) -> Result<Answer> {
        let (slot, address) = if request.target.starts_with("AmazonSQS") {
            (&mut self.sqs, &shared.sqs)
        } else {
            (&mut self.dynamodb, &shared.dynamodb)
        };
        let mut stream = match slot.take() {
            Some(stream) if is_usable(&stream) => stream,
            _ => TcpStream::connect(address).await?,
        };
        stream.set_nodelay(true)?;
        stream.write_all(&request.bytes).await?;
        let answer = read_answer(&mut stream).await?;
        *slot = Some(stream);
        Ok(answer)
    }
}

/// Between two requests a service has nothing to say; anything it says, its end included, ends the use.
fn is_usable(stream: &TcpStream) -> bool {
    stream.try_read(&mut [0]).is_err_and(|fault| fault.kind() == std::io::ErrorKind::WouldBlock)
}
