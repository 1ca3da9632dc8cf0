namespace Ballast;

/// <summary>What one connection of a <see cref="ConnectionGroup"/> answered.</summary>
/// <typeparam name="T">The type of the answer.</typeparam>
public sealed class ConnectionAnswer<T>
{
    internal ConnectionAnswer(ConnectionGroupMember member, T? value, LibvirtException? error) => (Member, Value, Error) = (member, value, error);

    /// <summary>The member that was asked.</summary>
    public ConnectionGroupMember Member { get; }

    /// <summary>The answer; the type's default if there is an error.</summary>
    public T? Value { get; }

    /// <summary>Why there is no answer; null if there is one.</summary>
    public LibvirtException? Error { get; }
}
