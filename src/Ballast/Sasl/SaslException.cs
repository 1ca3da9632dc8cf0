namespace Ballast.Sasl;

/// <summary>The exchange cannot go on: what the peer sent is not what it should be, or proves nothing.</summary>
/// <param name="message">Why, without anything of what was sent.</param>
/// <param name="isGuess">Whether a name and a password were tried, and were wrong.</param>
internal sealed class SaslException(string message, bool isGuess = false) : Exception(message)
{
    /// <summary>Whether a name and a password were tried, and were wrong: anything else tells nothing of a password.</summary>
    public bool IsGuess => isGuess;
}
