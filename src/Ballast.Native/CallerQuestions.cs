using System.Collections.Concurrent;

namespace Ballast.Native;

/// <summary>
/// What a call has to ask the program, which is asked on the thread that made the call and waits for it: a program may not expect
/// to be called on any other, and a thread of ours must not wait for somebody who types.
/// </summary>
internal sealed class CallerQuestions
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    // Never disposed, as it has no handle: a question that comes late finds it there.
    private readonly BlockingCollection<Action> _questions = [];

    /// <summary>Has the caller's thread ask.</summary>
    public async ValueTask<string?> AskAsync(Func<string?> ask, CancellationToken cancellationToken)
    {
        TaskCompletionSource<string?> answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _questions.Add(
            () =>
            {
                try
                {
                    answered.SetResult(ask());
                }
                catch (Exception e)
                {
                    answered.SetException(e);
                }
            },
            cancellationToken);
        return await answered.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for the call on its thread, and asks there meanwhile.</summary>
    public T Wait<T>(ValueTask<T> call)
    {
        Task<T> task = call.AsTask();
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_questions.CompleteAdding);
        PoolCheck pool = new();
        while (!_questions.IsCompleted)
        {
            if (_questions.TryTake(out Action? ask, Blocking.IsChecked ? CheckInterval : pool.Interval))
                ask();
            else if (!_questions.IsCompleted && (Blocking.IsInterrupted() || !pool.Works()))
                break;
        }

        return Blocking.Wait(new ValueTask<T>(task));
    }
}
