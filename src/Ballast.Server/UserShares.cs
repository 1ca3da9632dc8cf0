namespace Ballast.Server;

/// <summary>
/// The users and what each has. One that has asked ahead of its pace is remembered until that is made up for: else to come
/// again would be cheaper than to wait.
/// </summary>
internal sealed class UserShares
{
    private readonly Lock _gate = new();
    private readonly ReaderCrowd _crowd = new();
    private readonly Dictionary<(ClientOwner Owner, bool IsReader), UserShare> _shares = [];
    private readonly List<(ClientOwner Owner, bool IsReader)> _absent = [];

    /// <summary>One more client of a user; it is to leave.</summary>
    public UserShare Enter(ClientOwner owner, bool isReader, LibvirtServerOptions options)
    {
        lock (_gate)
        {
            if (!_shares.TryGetValue((owner, isReader), out UserShare? share))
                _shares[(owner, isReader)] = share = new UserShare(isReader, options, _crowd);
            share.Clients++;
            Forget();
            return share;
        }
    }

    public void Leave(ClientOwner owner, UserShare share)
    {
        lock (_gate)
        {
            if (--share.Clients > 0)
                return;
            _absent.Add((owner, share.IsReader));
            Forget();
        }
    }

    private void Forget() => _absent.RemoveAll(key =>
    {
        if (!_shares.TryGetValue(key, out UserShare? share) || share.Clients > 0)
            return true;
        return !share.Rounds.AreAhead && _shares.Remove(key);
    });
}
