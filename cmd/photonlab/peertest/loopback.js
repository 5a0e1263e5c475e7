// Loaded before the cloud server: whatever listens on a bare port does so on loopback,
// or where PHOTONGATE_PEER_HOST says.
const net = require('net');
const host = process.env.PHOTONGATE_PEER_HOST || '127.0.0.1';
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const bare = /^\d+$/.test(String(port)) && typeof rest[0] !== 'string';
  return bare ? listen.call(this, Number(port), host, ...rest) : listen.call(this, port, ...rest);
};
// It ends with the test that started it.
process.stdin.on('end', () => process.exit(0)).resume();
