using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>
/// How many clients there may be, and how many of them that were not let in yet. Nobody keeps others out: the latter are
/// counted for each user and each address. An address has so many places at most, a user of this host who may only read half of
/// them, and the last tenth of all is for those of this host who may change something.
/// </summary>
/// <param name="clients">How many there may be.</param>
/// <param name="anonymousClients">How many of one user or address may be waiting to be let in.</param>
/// <param name="addressClients">How many of one address there may be.</param>
/// <param name="mostWaiting">How many may wait for a place: each has a file open.</param>
internal sealed class ClientSlots(int clients, int anonymousClients, int addressClients, int mostWaiting)
{
    private const int Reserved = 10;

    private static readonly TimeSpan RefusalTime = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<ClientOwner, User> _users = [];
    private readonly Dictionary<ClientOwner, int> _waitingOf = [];
    private int _taken;
    private int _waiting;

    private int _clients = clients;
    private int _anonymousClients = anonymousClients;
    private int _addressClients = addressClients;

    /// <summary>New numbers, for those that come from now on.</summary>
    public void Resize(int newClients, int newAnonymousClients, int newAddressClients)
    {
        lock (_gate)
        {
            foreach (User user in _users.Values)
                Adjust(user, newAnonymousClients - _anonymousClients);
            _clients = newClients;
            _anonymousClients = newAnonymousClients;
            _addressClients = newAddressClients;
        }
    }

    public int Taken => Volatile.Read(ref _taken);

    /// <summary>A place for a client; null where there is none. It has to be given back.</summary>
    public Place? TryTake(ClientOwner owner, bool mayChange)
    {
        lock (_gate)
        {
            if (_taken >= (mayChange ? _clients : _clients - (_clients / Reserved)))
                return null;
            if (!_users.TryGetValue(owner, out User? user))
                _users.Add(owner, user = new User(owner, new SemaphoreSlim(_anonymousClients)));
            else if (user.Places >= MostOf(owner, mayChange))
                return null;
            user.Places++;
            _taken++;
            return new Place(this, user);
        }
    }

    /// <summary>
    /// Tries again in a moment. To refuse a client at once would cost more than to have it wait: those who come again as soon as they
    /// are refused would take a whole processor. So many of one user or address wait as may have places.
    /// </summary>
    /// <param name="owner">Whose client it is.</param>
    /// <param name="mayChange">Whether it may change something.</param>
    /// <param name="gone">Ends when the client has gone.</param>
    public async ValueTask<Place?> TryTakeLaterAsync(ClientOwner owner, bool mayChange, CancellationToken gone)
    {
        if (!TryWait(owner, mayChange))
            return null;
        try
        {
            await Task.Delay(RefusalTime, gone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return gone.IsCancellationRequested ? null : TryTake(owner, mayChange);
        }
        finally
        {
            lock (_gate)
            {
                _waiting--;
                if (--_waitingOf[owner] == 0)
                    _waitingOf.Remove(owner);
            }
        }
    }

    private bool TryWait(ClientOwner owner, bool mayChange)
    {
        lock (_gate)
        {
            int own = _waitingOf.GetValueOrDefault(owner);
            if (own >= MostOf(owner, mayChange) || _waiting >= mostWaiting)
                return false;
            _waitingOf[owner] = own + 1;
            _waiting++;
            return true;
        }
    }

    private int MostOf(ClientOwner owner, bool mayChange) =>
        owner.Address is not null ? _addressClients : mayChange ? _clients : Math.Max(1, _clients / 2);

    private static void Adjust(User user, int more)
    {
        int forgiven = Math.Clamp(more, 0, user.Owed);
        user.Owed -= forgiven;
        if (more > forgiven)
            user.Anonymous.Release(more - forgiven);
        for (; more < 0; more++)
        {
            if (!user.Anonymous.Wait(0))
                user.Owed++;
        }
    }

    private void Admit(User user)
    {
        lock (_gate)
            Adjust(user, 1);
    }

    private void GiveBack(User user)
    {
        lock (_gate)
        {
            _taken--;
            if (--user.Places == 0)
                _users.Remove(user.Owner);
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
            // One that has gone already is served too where it need not wait: what it had sent is read.
            if (!user.Anonymous.Wait(0, CancellationToken.None))
                await user.Anonymous.WaitAsync(closed).ConfigureAwait(false);
            _isAnonymous = 1;
        }

        /// <summary>The client was let in, and another one may try.</summary>
        public void Admit()
        {
            if (Interlocked.Exchange(ref _isAnonymous, 0) == 1)
                places.Admit(user);
        }

        public void Dispose()
        {
            Admit();
            if (Interlocked.Exchange(ref _isGivenBack, 1) == 0)
                places.GiveBack(user);
        }
    }

    /// <summary>A user or an address that has clients.</summary>
    internal sealed record User(ClientOwner Owner, SemaphoreSlim Anonymous)
    {
        public int Places { get; set; }

        /// <summary>How many are to be let in before the next one may try: there were more when the limit was lowered.</summary>
        public int Owed { get; set; }
    }
}
