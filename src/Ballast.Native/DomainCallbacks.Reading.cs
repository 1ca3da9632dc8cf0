using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <content>How events come to the program's event loop.</content>
internal sealed unsafe partial class DomainCallbacks
{
    /// <summary>The queue of events, and the descriptor that tells the event loop of it.</summary>
    private sealed class Reading
    {
        private const int Readable = 1;

        private readonly DomainCallbacks _callbacks;
        private readonly EventQueue _events;
        private readonly int _watch;

        private Reading(DomainCallbacks callbacks, EventQueue events)
        {
            _callbacks = callbacks;
            _events = events;
            nint self = Handles.Add(this);
            try
            {
                _watch = EventImplementation.AddHandle(events.Signal.Descriptor, Readable, Shim.ReadyFunction(), self, Shim.ForgetFunction());
                if (_watch < 0)
                    throw NoLoop();
            }
            catch
            {
                _ = Handles.Remove(self);
                throw;
            }
        }

        public static Reading Start(DomainCallbacks callbacks, Connection connection)
        {
            if (!EventImplementation.IsRegistered)
                throw NoLoop();
            DomainEventSubscription subscription = Blocking.Wait(
                connection.SubscribeAsync(new DomainEventFilter { Capacity = int.MaxValue }, Blocking.Token));
            EventQueue events;
            try
            {
                events = new EventQueue(subscription);
            }
            catch
            {
                Blocking.WaitToTheEnd(subscription.DisposeAsync().AsTask());
                throw;
            }

            try
            {
                return new Reading(callbacks, events);
            }
            catch
            {
                events.Stop();
                events.Dispose();
                throw;
            }
        }

        /// <summary>No callback is called any more when this returns, but for one that is under way.</summary>
        public void Stop()
        {
            _events.Stop();
            _ = EventImplementation.RemoveHandle(_watch);

            // The default loop knows no descriptor any more that was removed. It may not be run for long, and more of them would
            // pile up with each registration. A program's own loop may still hold it, until it says that it does not.
            if (EventImplementation.IsDefault)
                _events.Signal.Close();
        }

        private IEnumerable<HostCall> Calls(int watch)
        {
            if (!_callbacks.BeginTelling(this))
                yield break;
            try
            {
                if (!_events.Signal.IsOurs)
                {
                    // The program has closed it, and the connection's own sockets most likely too.
                    EventImplementation.UpdateHandle(watch, 0);
                    foreach (HostCall call in _callbacks.Tell(new EventQueue.ConnectionLost(EventQueue.ConnectionLost.EndOfFile)))
                        yield return call;
                    yield break;
                }

                while (TakeOrDrain(out object? happened))
                {
                    foreach (HostCall call in _callbacks.Tell(happened))
                        yield return call;
                }
            }
            finally
            {
                _callbacks.EndTelling();
            }
        }

        // Not drained before all is told: where a callback leaves by a jump, the loop comes back for the rest.
        private bool TakeOrDrain([NotNullWhen(true)] out object? happened)
        {
            if (_events.TryTake(out happened))
                return true;
            _events.Signal.Drain();
            return _events.TryTake(out happened);
        }

        private static CallException NoLoop() => CallException.Internal("could not initialize domain event timer");

        [UnmanagedCallersOnly(EntryPoint = "managed_ready")]
        private static int Ready(nint mark, int watch, nint opaque)
        {
            try
            {
                // A program's own loop may forget it while another thread is about to call this.
                HostCalls.Begin(mark, Handles.Find<Reading>(opaque)?.Calls(watch) ?? []);
                return 0;
            }
            catch (Exception e)
            {
                return Failure.Of(e);
            }
        }

        // The event loop's last word: it does not look at the descriptor any more.
        [UnmanagedCallersOnly(EntryPoint = "managed_forget")]
        private static void Forget(nint opaque)
        {
            try
            {
                Reading? reading = Handles.Find<Reading>(opaque);
                if (Handles.Remove(opaque))
                    reading?._events.Dispose();
            }
            catch (Exception e)
            {
                Failure.Raise(e);
            }
        }
    }
}
