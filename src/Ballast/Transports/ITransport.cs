using System.IO.Pipelines;

namespace Ballast.Transports;

/// <summary>Bytes to a daemon and back, however they get there; closed with this.</summary>
internal interface ITransport : IDuplexPipe, IAsyncDisposable;
