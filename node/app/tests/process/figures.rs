//! Figures at `[metrics] listen`.

use crate::company::Company;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A port that was free a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // It may be closed before all was read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_scrape_gets_figures_and_nonsense_gets_an_error() {
    let company = Company::new();
    let address = free_address();
    company.configure("n0", &[], &format!("[metrics]\nlisten = \"{address}\"\n"));
    let mut node = company.start_configured("n0");
    node.await_view(1);
    node.send("one", "agreed");
    node.await_message("one");
    let answer = ask(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("openmetrics-text"), "{head}");
    for figure in [
        "cenacle_messages_delivered_total 1",
        "cenacle_configuration_nodes 1",
        "cenacle_view_members{group=\"ops\"",
        "cenacle_group_state{group=\"ops\"",
        "# TYPE cenacle_drops counter",
        "# EOF",
    ] {
        assert!(text.contains(figure), "{figure} in\n{text}");
    }
    for (request, status) in [
        (&b"GET /other HTTP/1.1\r\n\r\n"[..], "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"\xff\xfe\x00\r\n\r\n", "404"),
    ] {
        let answer = ask(address, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let endless = [b'x'; 64 << 10];
    let answer = ask(address, &endless);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    company.stop(node);
}
