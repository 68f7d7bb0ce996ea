using AutoProg.Ort.Files;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Tests.Runs;

public sealed class MetricsTableTests : InTemporaryFolder
{
    private static readonly EpochMetrics Evaluated = new(0, 1, 96, 6, 2.3025850929940455, 2.25, 17.5, 66.25, 1e-6, 12.5, 3, 1.25);
    private static readonly EpochMetrics Unevaluated = Evaluated with { Epoch = 1, EvalLoss = null, EvalTop1 = null, EvalTop5 = null, TrainLoss = double.NaN, Level = 2 };

    [Fact]
    public void Rows_have_the_documented_columns_and_read_back_equal()
    {
        using (var table = MetricsTable.Open(At("metrics.csv"), keep: 0))
        {
            table.Append(Evaluated);
            table.Append(Unevaluated);
        }

        Assert.Equal(
            """
            epoch,stage,resolution,depth,train_loss,eval_loss,eval_top1,eval_top5,lr,train_seconds,search_seconds,eval_seconds,level
            0,1,96,6,2.3025850929940455,2.25,17.5,66.25,1E-06,12.5,3,1.25,
            1,1,96,6,NaN,,,,1E-06,12.5,3,1.25,2

            """,
            File.ReadAllText(At("metrics.csv")));
        Assert.Equal([Evaluated, Unevaluated], MetricsTable.Read(At("metrics.csv")));
    }

    [Fact]
    public void Resuming_takes_the_table_back_to_the_checkpoint()
    {
        long atCheckpoint;
        using (var table = MetricsTable.Open(At("metrics.csv"), keep: 0))
        {
            table.Append(Evaluated);
            atCheckpoint = table.Count;
            table.Append(Unevaluated);
        }

        using (var table = MetricsTable.Open(At("metrics.csv"), atCheckpoint))
        {
            Assert.Equal(1, table.Count);
            table.Append(Evaluated with { Epoch = 1 });
        }

        Assert.Equal([Evaluated, Evaluated with { Epoch = 1 }], MetricsTable.Read(At("metrics.csv")));
    }

    [Fact]
    public void A_table_of_other_columns_is_refused()
    {
        File.WriteAllText(At("metrics.csv"), "a,b\n1,2\n");
        Assert.Contains("does not begin with the columns epoch,", Assert.Throws<FileFormatException>(() => MetricsTable.Read(At("metrics.csv"))).Message);

        MetricsTable.Open(At("ok.csv"), keep: 0).Dispose();
        File.AppendAllText(At("ok.csv"), "1,x,,\n");
        Assert.Contains("line 2 has not the columns", Assert.Throws<FileFormatException>(() => MetricsTable.Read(At("ok.csv"))).Message);
    }
}
