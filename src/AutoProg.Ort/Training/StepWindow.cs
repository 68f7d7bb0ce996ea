namespace AutoProg.Ort.Training;

/// <summary>Means over the last steps and over the epoch, for log lines.</summary>
/// <param name="length">Steps of the short mean.</param>
internal sealed class StepWindow(int length)
{
    private readonly Queue<(double Loss, TimeSpan Took, TimeSpan Wait)> last = new();
    private double lossSum;
    private TimeSpan tookSum;
    private TimeSpan waitSum;
    private int count;

    public (double Loss, TimeSpan Took, TimeSpan Wait) Recent =>
        (last.Average(s => s.Loss), TimeSpan.FromSeconds(last.Average(s => s.Took.TotalSeconds)), TimeSpan.FromSeconds(last.Average(s => s.Wait.TotalSeconds)));

    public (double Loss, TimeSpan Took, TimeSpan Wait) Mean => (lossSum / count, tookSum / count, waitSum / count);

    public void Add(double loss, TimeSpan took, TimeSpan wait)
    {
        last.Enqueue((loss, took, wait));
        if (last.Count > length)
        {
            last.Dequeue();
        }

        lossSum += loss;
        tookSum += took;
        waitSum += wait;
        count++;
    }
}
