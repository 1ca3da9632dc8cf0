namespace Ballast.Daemon;

/// <summary>
/// How many clients there may be, and how many of them that were not let in yet. Nobody keeps others out: the latter are
/// counted for each user, and the last tenth of all places is for those who may change something.
/// </summary>
internal sealed class ClientSlots(int clients, int anonymousClients)
{
    private const int Reserved = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, User> _users = [];
    private int _taken;

    private int _clients = clients;
    private int _anonymousClients = anonymousClients;

    /// <summary>New numbers, for those that come from now on.</summary>
    public void Resize(int newClients, int newAnonymousClients)
    {
        lock (_gate)
        {
            _clients = newClients;
            _anonymousClients = newAnonymousClients;
        }
    }

    public int Taken => Volatile.Read(ref _taken);

    /// <summary>A place for a client of that user; null where there is none. It has to be given back.</summary>
    public Place? TryTake(uint uid, bool mayChange)
    {
        lock (_gate)
        {
            if (_taken >= (mayChange ? _clients : _clients - (_clients / Reserved)))
                return null;
            if (!_users.TryGetValue(uid, out User? user))
                _users.Add(uid, user = new User(uid, new SemaphoreSlim(_anonymousClients)));
            user.Places++;
            _taken++;
            return new Place(this, user);
        }
    }

    private void GiveBack(User user)
    {
        lock (_gate)
        {
            _taken--;
            if (--user.Places == 0)
                _users.Remove(user.Uid);
        }
    }

    /// <summary>The place of one client.</summary>
    internal sealed class Place(ClientSlots places, User user) : IDisposable
    {
        private int _isAnonymous;
        private int _isGivenBack;

        /// <summary>As libvirt's daemon: who comes while too many of the same user are not let in yet waits for one of them.</summary>
        public async Task WaitAsync(CancellationToken closed)
        {
            await user.Anonymous.WaitAsync(closed).ConfigureAwait(false);
            _isAnonymous = 1;
        }

        /// <summary>The client was let in, and another one may try.</summary>
        public void LetIn()
        {
            if (Interlocked.Exchange(ref _isAnonymous, 0) == 1)
                user.Anonymous.Release();
        }

        public void Dispose()
        {
            LetIn();
            if (Interlocked.Exchange(ref _isGivenBack, 1) == 0)
                places.GiveBack(user);
        }
    }

    /// <summary>A user who has clients.</summary>
    internal sealed record User(uint Uid, SemaphoreSlim Anonymous)
    {
        public int Places { get; set; }
    }
}
