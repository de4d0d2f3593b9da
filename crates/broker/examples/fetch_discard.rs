//! Reads a topic as fast as a Kafka broker hands it out, and throws the bytes away: what the server's
//! side of fetching can do, with next to no client in the way.
//!
//! `fetch_discard HOST:PORT TOPIC [--bytes N] [--passes N] [--connections N]` prints one line of JSON.
//! It works against any broker that speaks Fetch v11 in plaintext without a login.
//!
//! A first pass reads the topic's partition 0 from its first offset to its end and notes at which offset
//! each Fetch begins and how long its answer is; it is not measured. The measured passes send the same
//! requests one after another, as most clients do. Of an answer they read the length; the rest is
//! discarded within the kernel (`MSG_TRUNC`), never copied to this process. No fetch session is used, and
//! each request asks for `--bytes` at most (1 MiB by default, librdkafka's `fetch.message.max.bytes`).

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use kafka::batch::BatchHeader;
use kafka::messages::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, ListOffsetsPartition,
    ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic, Records, TIMESTAMP_EARLIEST, decode,
};
use kafka::{ApiVersion, CorrelationId, Offset, encode_request, split_response};
use rustix::net::RecvFlags;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const FETCH: ApiVersion = ApiVersion(11);
const LIST_OFFSETS: ApiVersion = ApiVersion(5);
/// Names this process in the broker's log.
const CLIENT: Option<&str> = Some("fetch-discard");
/// How long a broker may stay silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// Discarded by one call at most. Nothing is written there.
const DISCARD_BYTES: usize = 4 << 20;

/// What the command line asks for.
#[derive(Debug, Clone)]
struct Asked {
    address: String,
    topic: String,
    bytes: i32,
    passes: u32,
    connections: u32,
}

/// One Fetch as the first pass saw it.
#[derive(Debug, Clone)]
struct Step {
    request: Vec<u8>,
    /// Of the answer, behind its length field.
    answer_bytes: usize,
}

/// The topic as a list of Fetches.
#[derive(Debug, Default)]
struct Plan {
    steps: Vec<Step>,
    records: i64,
    record_bytes: u64,
}

fn main() -> Result<(), Failure> {
    let asked = parse(std::env::args().skip(1))?;
    let plan = explore(&asked)?;
    let began = Instant::now();
    let cpu_began = cpu_seconds();
    let streams: Result<Vec<TcpStream>, Failure> =
        (0..asked.connections).map(|_| connect(&asked)).collect();
    std::thread::scope(|scope| {
        let passes: Vec<_> = streams?
            .into_iter()
            .map(|stream| scope.spawn(|| discard(stream, &plan, asked.passes)))
            .collect();
        passes.into_iter().try_for_each(|pass| pass.join().map_err(|_| "a reader panicked")?)
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu_seconds() - cpu_began;
    let times = u64::from(asked.passes) * u64::from(asked.connections);
    let bytes = plan.record_bytes * times;
    let records = plan.records.unsigned_abs() * times;
    let fetches = plan.steps.len() as u64 * times;
    writeln!(
        io::stdout(),
        "{{\"bytes\": {bytes}, \"records\": {records}, \"seconds\": {seconds:.6}, \"fetches\": {fetches}, \
         \"client_cpu_seconds\": {cpu:.3}, \"megabytes_per_second\": {:.1}}}",
        bytes as f64 / 1e6 / seconds,
    )?;
    Ok(())
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Asked, Failure> {
    let usage = "usage: fetch_discard HOST:PORT TOPIC [--bytes N] [--passes N] [--connections N]";
    let mut plain = Vec::new();
    let (mut bytes, mut passes, mut connections) = (1 << 20, 3, 1);
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(usage);
        match argument.as_str() {
            "--bytes" => bytes = value()?.parse()?,
            "--passes" => passes = value()?.parse()?,
            "--connections" => connections = value()?.parse()?,
            _ => plain.push(argument),
        }
    }
    let [address, topic] = <[String; 2]>::try_from(plain).map_err(|_| usage)?;
    Ok(Asked { address, topic, bytes, passes, connections })
}

fn connect(asked: &Asked) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(&asked.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads the topic once, looking at the headers of its batches.
fn explore(asked: &Asked) -> Result<Plan, Failure> {
    let mut stream = connect(asked)?;
    let first = first_offset(&mut stream, asked)?;
    let mut plan = Plan::default();
    let mut next = first;
    let mut last = None;
    loop {
        let request = fetch(asked, next, asked.bytes)?;
        let answer = call(&mut stream, &request)?;
        let (_, body) = split_response(kafka::ApiKey::Fetch, FETCH, &answer)?;
        let response: FetchResponse<'_> = decode(FETCH, body)?;
        let partition = response
            .topics
            .first()
            .and_then(|topic| topic.partitions.first())
            .ok_or("no partition")?;
        if !response.error.is_none() || !partition.error.is_none() {
            return Err(format!("refused: {:?} {:?}", response.error, partition.error).into());
        }
        let Records::Here(mut batches @ [_, ..]) = partition.records else { break };
        let record_bytes = batches.len();
        plan.record_bytes += record_bytes as u64;
        let asked_for = next;
        // A broker may cut the last batch off.
        while let Ok(header) = BatchHeader::parse(batches)
            && let Some(rest) = batches.get(header.batch_len..)
        {
            next = header.next_offset();
            batches = rest;
        }
        if next == asked_for {
            return Err(format!("no whole batch at offset {}; raise --bytes", next.0).into());
        }
        plan.steps.push(Step { request, answer_bytes: answer.len() });
        last = Some((asked_for, record_bytes));
    }
    // The topic may grow while it is read again: no more is asked for at its end than there was.
    if let Some((step, (offset, bytes))) = plan.steps.last_mut().zip(last) {
        step.request = fetch(asked, offset, i32::try_from(bytes)?)?;
    }
    plan.records = next.0 - first.0;
    if plan.records == 0 { Err("the topic is empty".into()) } else { Ok(plan) }
}

/// A whole Fetch of at most so many bytes from an offset.
fn fetch(asked: &Asked, offset: Offset, max_bytes: i32) -> Result<Vec<u8>, Failure> {
    let partition = FetchPartition { fetch_offset: offset, max_bytes, ..FetchPartition::default() };
    let topic =
        FetchTopic { name: &asked.topic, partitions: vec![partition], ..FetchTopic::default() };
    let request =
        FetchRequest { max_wait_ms: 0, min_bytes: 1, topics: vec![topic], ..Default::default() };
    Ok(encode_request(FETCH, CorrelationId(1), CLIENT, request)?.bytes().to_vec())
}

fn first_offset(stream: &mut TcpStream, asked: &Asked) -> Result<Offset, Failure> {
    let partition =
        ListOffsetsPartition { timestamp: TIMESTAMP_EARLIEST, ..ListOffsetsPartition::default() };
    let topic = ListOffsetsTopic { name: &asked.topic, partitions: vec![partition] };
    let request = ListOffsetsRequest { topics: vec![topic], ..Default::default() };
    let request = encode_request(LIST_OFFSETS, CorrelationId(0), CLIENT, request)?;
    let answer = call(stream, request.bytes())?;
    let (_, body) = split_response(kafka::ApiKey::ListOffsets, LIST_OFFSETS, &answer)?;
    let response: ListOffsetsResponse<'_> = decode(LIST_OFFSETS, body)?;
    let listed = response.topics.first().and_then(|topic| topic.partitions.first());
    let listed = listed.ok_or("no such partition")?;
    if listed.error.is_none() {
        Ok(listed.offset)
    } else {
        Err(format!("the first offset is refused: {:?}", listed.error).into())
    }
}

/// Sends a request and reads its answer, without the length.
fn call(stream: &mut TcpStream, request: &[u8]) -> Result<Vec<u8>, Failure> {
    stream.write_all(request)?;
    let mut answer = vec![0; answer_length(stream)?];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn answer_length(stream: &mut TcpStream) -> Result<usize, Failure> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    Ok(usize::try_from(i32::from_be_bytes(length))?)
}

/// The measured passes on one connection.
fn discard(mut stream: TcpStream, plan: &Plan, passes: u32) -> Result<(), Failure> {
    let mut nowhere = vec![0; DISCARD_BYTES];
    for _ in 0..passes {
        for step in &plan.steps {
            stream.write_all(&step.request)?;
            let mut left = answer_length(&mut stream)?;
            if left != step.answer_bytes {
                let before = step.answer_bytes;
                return Err(format!("an answer of {before} bytes became one of {left}").into());
            }
            while left > 0 {
                let part = nowhere.get_mut(..left.min(DISCARD_BYTES)).unwrap_or_default();
                let flags = RecvFlags::TRUNC | RecvFlags::WAITALL;
                let (_, gone) = rustix::net::recv(&stream, part, flags)?;
                if gone == 0 {
                    return Err("the broker closed the connection".into());
                }
                left = left.saturating_sub(gone);
            }
        }
    }
    Ok(())
}

/// CPU-seconds of this process so far, user and system.
fn cpu_seconds() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}
