namespace Ballast.Sasl;

/// <summary>The exchange cannot go on: what the peer sent is not what it should be, or proves nothing.</summary>
/// <param name="message">Why, without anything of what was sent.</param>
internal sealed class SaslException(string message) : Exception(message);
