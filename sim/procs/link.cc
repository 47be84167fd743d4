#include "sim/procs/link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace loadproof::sim {
namespace {

using Clock = std::chrono::steady_clock;

std::string cause() { return std::strerror(errno); }

// Of both families where the kernel has both.
int any_socket() {
  const int both = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int no = 0;
  if (both >= 0 && setsockopt(both, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0) return both;
  if (both >= 0) close(both);
  return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

Link::Link(int socket) : socket_(socket) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  fcntl(socket_, F_SETFD, FD_CLOEXEC);
  const int yes = 1;  // of a socket that is no TCP one it fails, and need not succeed
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Link::Link(Link&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      inbox_(std::move(other.inbox_)),
      outbox_(std::move(other.outbox_)),
      read_(other.read_) {}

Link& Link::operator=(Link&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(inbox_, other.inbox_);
  std::swap(outbox_, other.outbox_);
  std::swap(read_, other.read_);
  return *this;
}

Link::~Link() {
  if (socket_ >= 0) close(socket_);
}

void Link::queue(std::string_view frame) {
  const auto length = static_cast<uint32_t>(frame.size());
  for (int shift = 0; shift < 32; shift += 8)
    outbox_ += static_cast<char>(length >> shift & 0xFF);
  outbox_ += frame;
}

bool Link::flush() {
  size_t sent = 0;
  bool open = true;
  while (open && sent < outbox_.size()) {
    const ssize_t count =
        ::send(socket_, outbox_.data() + sent, outbox_.size() - sent, MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      open = would_wait();
      break;
    }
  }
  outbox_.erase(0, sent);
  return open;
}

bool Link::fill() {
  char buffer[1 << 16];
  while (true) {
    const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    if (count > 0) {
      inbox_.append(buffer, static_cast<size_t>(count));
      if (static_cast<size_t>(count) < sizeof buffer) return true;
    } else if (count == 0) {
      return false;
    } else if (errno != EINTR) {
      return would_wait();
    }
  }
}

Result<std::optional<std::string>> Link::next() {
  const auto drop_read = [this] { inbox_.erase(0, std::exchange(read_, 0)); };
  if (inbox_.size() - read_ < 4) {
    drop_read();
    return std::nullopt;
  }
  uint32_t length = 0;
  for (size_t i = 0; i < 4; ++i)
    length |= static_cast<uint32_t>(static_cast<unsigned char>(inbox_[read_ + i])) << (8 * i);
  if (length > kFrameBytesMax) return fail(fmt::format("a frame of {} bytes", length));
  if (inbox_.size() - read_ - 4 < length) {
    drop_read();
    return std::nullopt;
  }
  std::string frame = inbox_.substr(read_ + 4, length);
  read_ += 4 + size_t{length};
  return frame;
}

bool Link::wait(short events, std::optional<Clock::time_point> until) const {
  while (true) {
    int left = -1;
    if (until)
      left = static_cast<int>(std::max<int64_t>(
          0, std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count()));
    pollfd one{.fd = socket_, .events = events, .revents = 0};
    const int ready = poll(&one, 1, left);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Result<void> Link::send(std::string_view frame) {
  queue(frame);
  while (flush()) {
    if (outbox_.empty()) return {};
    wait(POLLOUT, std::nullopt);
  }
  return fail("the connection is closed");
}

Result<std::string> Link::receive(std::optional<std::chrono::milliseconds> patience) {
  auto frame = receive_within(patience);
  if (!frame) return tl::make_unexpected(frame.error());
  if (!*frame) return fail("nothing came in time");
  return std::move(**frame);
}

Result<std::optional<std::string>> Link::receive_within(
    std::optional<std::chrono::milliseconds> patience) {
  std::optional<Clock::time_point> until;
  if (patience) until = Clock::now() + *patience;
  bool open = true;
  while (true) {
    auto frame = next();
    if (!frame || *frame) return frame;
    if (!open) return fail("the connection is closed");
    if (!wait(POLLIN, until)) return std::nullopt;
    open = fill();
  }
}

Result<Listener> listen_anywhere() {
  const int socket = any_socket();
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  // Without an address it is bound to all, by listen().
  if (socket >= 0 && listen(socket, SOMAXCONN) == 0 && getsockname(socket, plain, &length) == 0) {
    const uint16_t port = address.ss_family == AF_INET6
                              ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                              : reinterpret_cast<sockaddr_in*>(&address)->sin_port;
    return Listener{socket, ntohs(port)};
  }
  const std::string why = cause();
  if (socket >= 0) close(socket);
  return fail("cannot listen for the other ranks: " + why);
}

uint16_t free_port() {
  const Result<Listener> listener = listen_anywhere();
  if (!listener) return 0;
  close(listener->socket);
  return listener->port;
}

Result<std::optional<Link>> accept_one(int listener, std::chrono::milliseconds patience) {
  pollfd one{.fd = listener, .events = POLLIN, .revents = 0};
  const int ready = poll(&one, 1, static_cast<int>(patience.count()));
  if (ready == 0 || (ready < 0 && errno == EINTR)) return std::nullopt;
  const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return fail("cannot take the connection of another rank: " + cause());
  return Link(socket);
}

Result<Link> connect_to(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  if (const int error = getaddrinfo(host.c_str(), service.c_str(), &hints, &found); error != 0)
    return fail(fmt::format("{} is no host that is known: {}", host, gai_strerror(error)));
  int socket = -1;
  std::string why;
  for (const addrinfo* each = found; each && socket < 0; each = each->ai_next) {
    socket = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
    if (socket >= 0 && connect(socket, each->ai_addr, each->ai_addrlen) == 0) break;
    why = cause();
    if (socket >= 0) close(std::exchange(socket, -1));
  }
  freeaddrinfo(found);
  if (socket < 0) return fail(fmt::format("cannot reach rank 0 at {}:{}: {}", host, port, why));
  return Link(socket);
}

std::string own_address(const Link& link) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  char text[INET6_ADDRSTRLEN] = "127.0.0.1";
  if (getsockname(link.socket(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return text;
  if (address.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&address)->sin_addr, text, sizeof text);
  if (address.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr, text, sizeof text);
  constexpr std::string_view kMapped = "::ffff:";  // of the fourth version, as of the sixth
  const std::string_view plain = text;
  return std::string(plain.starts_with(kMapped) ? plain.substr(kMapped.size()) : plain);
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace loadproof::sim
